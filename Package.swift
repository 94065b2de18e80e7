// swift-tools-version:6.1
import PackageDescription

// The rooms of docs/architecture.md. What a target may import is listed here and nowhere else: the
// package manager refuses circles, so a room that wants to reach up shows that something stands in
// the wrong room.

let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let http = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")

let package = Package(
    name: "Caring",
    products: [
        .executable(name: "caringd", targets: ["caringd"]),
        .executable(name: "caring", targets: ["caring"]),
        .library(name: "Care", targets: ["Care"]),
        .library(name: "CareTesting", targets: ["CareTesting"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(
            name: "CMosquitto", pkgConfig: "libmosquitto", providers: [.apt(["libmosquitto-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "Zip", dependencies: ["CZlib"]),
        .target(name: "MQTT", dependencies: ["CMosquitto", log]),
        .target(name: "Care"),
        // Hash chains, proofs and their verifying: beneath the store, which writes them, and the command line, which verifies alone.
        .target(name: "Audit", dependencies: ["Care", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "Devices", dependencies: ["Care", yams]),
        .target(
            name: "Store",
            dependencies: [
                "Care", "Audit", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        .target(name: "Notify", dependencies: ["Care", http, log]),
        .target(
            name: "Gateway",
            dependencies: [
                "MQTT", "Devices", "Store", "Notify", "Audit", "Care", "Zip", log, metrics, yams, lifecycle,
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(
            name: "Web",
            dependencies: [
                "Gateway", "Care", .product(name: "Hummingbird", package: "hummingbird"), log, lifecycle,
            ]),
        .target(name: "CareTesting", dependencies: ["Care", "Audit", "Gateway", "Notify", "Devices", "Store", "MQTT", log]),
        .executableTarget(
            name: "caringd", dependencies: ["Web", "Gateway", "Devices", "Store", "Care", arguments, log, metrics, lifecycle]),
        .executableTarget(
            name: "caring",
            dependencies: [
                "Gateway", "MQTT", "Devices", "Audit", "Care", "CZlib", "Zip", arguments, http, log, .product(name: "Crypto", package: "swift-crypto"),
            ]),
        // What scripts/bench runs; not a product.
        .executableTarget(name: "bench", dependencies: ["CareTesting", "Gateway", "MQTT", "Store", "Devices", "Care", arguments, log]),
        // What scripts/torture runs; not a product. It reads the daemon's database itself, so that no code of ours hides a row.
        .executableTarget(
            name: "torture", dependencies: ["MQTT", "Care", arguments, log, .product(name: "GRDB", package: "GRDB.swift")]),
        // What scripts/fuzz runs; not a product.
        .executableTarget(name: "fuzz", dependencies: ["Devices", "Care"]),
        .testTarget(name: "CareTests", dependencies: ["Care"]),
        .testTarget(name: "AuditTests", dependencies: ["Audit", "Care", .product(name: "Crypto", package: "swift-crypto")]),
        // What fuzzing found is read by its path.
        .testTarget(name: "DevicesTests", dependencies: ["Devices", "Care"], exclude: ["Findings"]),
        .testTarget(name: "ZipTests", dependencies: ["Zip"]),
        .testTarget(name: "MQTTTests", dependencies: ["MQTT", "CareTesting", log]),
        // Tests damage a database from outside, as a full disk or a careless hand would.
        .testTarget(name: "StoreTests", dependencies: ["Store", "Audit", "Care", .product(name: "GRDB", package: "GRDB.swift")]),
        .testTarget(name: "NotifyTests", dependencies: ["Notify", "Care"]),
        .testTarget(name: "GatewayTests", dependencies: ["CareTesting", "Gateway", "Care", "Store", log, metrics]),
        .testTarget(name: "WebTests", dependencies: ["Web", "Gateway", "Care", http, log, lifecycle]),
        .testTarget(
            name: "Scenarios",
            dependencies: [
                "CareTesting", "Gateway", "Devices", "Notify", "Store", "Audit", "Care", "Zip", .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(name: "TortureTests", dependencies: ["torture"]),
        .testTarget(name: "Integration", dependencies: ["CareTesting", "MQTT", "Store", "Care", "Zip", log]),
    ],
    swiftLanguageModes: [.v6]
)
