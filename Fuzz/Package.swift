// swift-tools-version: 6.2
import PackageDescription

// Apart from the main package, because a fuzzer needs compiler flags that no package may ask of others, and because the
// allocation counter stands in for `malloc`. `run.sh` builds and runs both.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "vebridge-fuzz",
    dependencies: [
        .package(name: "vebridge", path: ".."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        // What libFuzzer offers to a program that has a main of its own.
        .target(name: "CFuzz"),
        // A malloc that counts.
        .target(name: "CCount"),
        // Coverage-guided: bytes made by libFuzzer, checked by what must hold of any bytes.
        .executableTarget(
            name: "FuzzDecoder", dependencies: ["CFuzz", .product(name: "VEDirect", package: "vebridge")],
            swiftSettings: strict, linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
        // The same for the frames and logs of a MasterBus.
        .executableTarget(
            name: "FuzzMasterBus", dependencies: ["CFuzz", .product(name: "MasterBus", package: "vebridge")],
            swiftSettings: strict, linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
        // What clients send to the page, through the handlers of a connection.
        .executableTarget(
            name: "FuzzHTTP",
            dependencies: [
                "CFuzz", .product(name: "Web", package: "vebridge"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            swiftSettings: strict, linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
        // The same for what a broker of MQTT sends.
        .executableTarget(
            name: "FuzzMQTT", dependencies: ["CFuzz", .product(name: "MQTTWire", package: "vebridge")],
            swiftSettings: strict, linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]),
        // Many bytes, fast: random ones and damaged streams of our own; counts allocations and memory.
        .executableTarget(
            name: "Storm", dependencies: ["CCount", .product(name: "VEDirect", package: "vebridge")],
            swiftSettings: strict),
        // Many frames of a MasterBus, fast.
        .executableTarget(
            name: "BusStorm", dependencies: ["CCount", .product(name: "MasterBus", package: "vebridge")],
            swiftSettings: strict),
        // Damaged histories, zone files, imports and configurations.
        .executableTarget(
            name: "StateStorm",
            dependencies: [
                .product(name: "History", package: "vebridge"), .product(name: "Bridge", package: "vebridge"),
            ],
            swiftSettings: strict),
    ]
)
