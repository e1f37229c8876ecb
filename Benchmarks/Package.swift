// swift-tools-version: 6.2
import PackageDescription

// Apart from the main package, because the harness is of no use to who only builds the program.
let package = Package(
    name: "vebridge-benchmarks",
    dependencies: [
        .package(name: "vebridge", path: ".."),
        // Without its default traits it needs no jemalloc; allocations are counted by Fuzz/run.sh storm.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        // What C does with the same bytes: the limit.
        .target(name: "CDecode", cSettings: [.unsafeFlags(["-O2"])]),
        // The bytes that all of them read.
        .target(name: "WireStream"),
        // For callgrind: one pass and no harness.
        .executableTarget(
            name: "CountInstructions",
            dependencies: ["CDecode", "WireStream", .product(name: "VEDirect", package: "vebridge")]),
        .executableTarget(
            name: "Decoding",
            dependencies: [
                "CDecode", "WireStream",
                .product(name: "VEDirect", package: "vebridge"),
                .product(name: "MasterBus", package: "vebridge"),
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/Decoding",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ]
)
