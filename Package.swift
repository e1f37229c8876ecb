// swift-tools-version: 6.2
import PackageDescription

let common: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .treatAllWarnings(as: .error),
]
let strict = common + [.enableUpcomingFeature("MemberImportVisibility")]
// Where C's own types are in play: the compiler takes `sigset_t` or `timespec`, which CLinux and Glibc both declare,
// from whichever it met first, and that is another one in a build from nothing than in the next.
let system = common

let package = Package(
    name: "vebridge",
    products: [
        .executable(name: "vebridge", targets: ["vebridge"]),
        .library(name: "VEDirect", targets: ["VEDirect"]),
        .library(name: "MasterBus", targets: ["MasterBus"]),
        .library(name: "Web", targets: ["Web"]),
        .library(name: "MQTTWire", targets: ["MQTTWire"]),
        .library(name: "History", targets: ["History"]),
        .library(name: "Bridge", targets: ["Bridge"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        // Protocols: no I/O, no clocks, no knowledge of MQTT.
        .target(name: "VEDirect", swiftSettings: strict),
        .target(name: "MasterBus", swiftSettings: strict),
        // What a broker may send, checked before libmosquitto reads it.
        .target(name: "MQTTWire", swiftSettings: strict),

        // The daemon's rooms: ports, plant, schema, MQTT, configuration.
        .target(
            name: "Bridge",
            dependencies: [
                "VEDirect", "MasterBus", "MQTTWire", "History", "Update", "CLinux", "CMosquitto", "COpenSSL", "CUdev",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "TOMLKit", package: "TOMLKit"),
            ],
            swiftSettings: system
        ),

        // What was, and what follows from it: samples, days, figures. Knows no port, no broker and no page.
        .target(
            name: "History",
            dependencies: ["VEDirect", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: strict
        ),

        // Updates from afar: what was signed, and how a version takes another's place so that one always works.
        .target(name: "Update", dependencies: ["COpenSSL"], swiftSettings: common),

        // The page, the interface for programs and the metrics: looks at what the bridge hands out, and asks for nothing else.
        .target(
            name: "Web",
            dependencies: [
                "Bridge", "History", "VEDirect", "MasterBus",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            resources: [.embedInCode("Page")],
            swiftSettings: strict
        ),

        // Two publishers of one plant held against each other: messages in, a verdict out.
        .target(name: "Compare", dependencies: ["VEDirect"], swiftSettings: strict),

        // Devices that behave like the real ones, for the demo and the tests.
        .target(name: "Simulation", dependencies: ["VEDirect", "MasterBus", "CLinux"], swiftSettings: system),

        .executableTarget(
            name: "vebridge",
            dependencies: [
                "Bridge", "Compare", "History", "Simulation", "Update", "VEDirect", "MasterBus", "Web",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: system
        ),

        // What Swift's Glibc module does not show, and the system libraries.
        .target(name: "CLinux"),
        .systemLibrary(name: "CMosquitto", pkgConfig: "libmosquitto", providers: [.apt(["libmosquitto-dev"])]),
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        .systemLibrary(name: "CUdev", pkgConfig: "libudev", providers: [.apt(["libudev-dev"])]),

        .testTarget(name: "VEDirectTests", dependencies: ["VEDirect", "Simulation"], swiftSettings: strict),
        .testTarget(name: "MasterBusTests", dependencies: ["MasterBus"], swiftSettings: strict),
        .testTarget(name: "MQTTWireTests", dependencies: ["MQTTWire", "MQTTTraffic"], swiftSettings: strict),
        // Brokers that break the rules, for the tests in short and for the proof at length.
        .target(name: "MQTTTraffic", dependencies: ["Bridge"], path: "Tests/MQTTTraffic", swiftSettings: system),
        .executableTarget(
            name: "MQTTStorm", dependencies: ["MQTTTraffic"], path: "Tests/MQTTStorm", swiftSettings: system),
        .testTarget(
            name: "SimulationTests", dependencies: ["Simulation", "VEDirect", "MasterBus"], swiftSettings: system),
        .testTarget(
            name: "BridgeTests",
            dependencies: [
                "Bridge", "History", "MQTTTraffic", "Simulation", "Update", "VEDirect", "MasterBus", "CLinux",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: system
        ),
        .testTarget(name: "UpdateTests", dependencies: ["Update"], swiftSettings: common),
        .testTarget(name: "CompareTests", dependencies: ["Compare", "VEDirect"], swiftSettings: strict),
        // Real connections on the loopback, to a server before a bridge that says what the test wants.
        .testTarget(
            name: "WebTests",
            dependencies: [
                "Web", "Bridge", "History", "VEDirect", "MasterBus", .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: system),
        // A plant's year with its truth, for the tests in short and for the proof at length.
        .target(
            name: "HistoryScenarios", dependencies: ["History", "Simulation"], path: "Tests/HistoryScenarios",
            swiftSettings: system),
        .executableTarget(
            name: "HistoryProof", dependencies: ["History", "HistoryScenarios"], path: "Tests/HistoryProof",
            swiftSettings: system),
        .testTarget(
            name: "HistoryTests",
            dependencies: [
                "History", "HistoryScenarios", "HistoryProof", "VEDirect",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: system),
        // The program as a user runs it: pseudo-terminals, a real mosquitto, the built executable.
        .testTarget(
            name: "SystemTests", dependencies: ["Bridge", "History", "Simulation", "Update", "vebridge"],
            exclude: ["homeassistant_check.py", "limiting_broker.py", "slcan_adapter.py", "mdns.sh", "mdns-test.sh"],
            swiftSettings: system),
    ]
)
