import Glibc
import MQTTTraffic

/// Packets of a broker that breaks the rules, through validator and libmosquitto, in this process.
///
/// `MQTTStorm [PACKETS [SEED]]`: a million unless told otherwise. Fails where libmosquitto rejects what the validator
/// accepted, where memory grows, or where descriptors are lost; that the process ends is the other way to fail.
@main
struct MQTTStorm {
    /// How much more memory at the end than after the first tenth, in kilobytes.
    private static let allowedGrowth = 4096

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        let numbers = CommandLine.arguments.dropFirst().map { Int($0) ?? 0 }
        let wanted = numbers.first ?? 1_000_000
        let seed = numbers.count > 1 ? UInt64(truncatingIfNeeded: numbers[1]) : 1
        var storm = BrokerStorm(seed: seed)
        let start = ContinuousClock.now
        var settled: Int?
        while storm.result.packets < wanted {
            guard storm.runConnection() else {
                print("MQTTStorm: no descriptors left after \(storm.result.connections) connections")
                exit(1)
            }
            if settled == nil, storm.result.packets >= wanted / 10 { settled = residentKilobytes() }
        }
        let result = storm.result
        let before = settled ?? 0
        let after = residentKilobytes()
        print(
            """
            \(result.packets) packets in \(result.connections) connections, seed \(seed), \(ContinuousClock.now - start): \
            \(result.violations) violations, \(result.survived) connections kept, \(result.messages) messages and \
            \(result.answers) answers passed on; resident \(before) kB after a tenth, \(after) kB at the end
            """)
        for rejected in result.rejectedByLibrary { print("rejected by libmosquitto: \(rejected)") }
        if !result.rejectedByLibrary.isEmpty || after - before > allowedGrowth { exit(1) }
    }

    /// The second figure of statm, in pages.
    private static func residentKilobytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { return 0 }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 128)
        guard fgets(&text, Int32(text.count), file) != nil else { return 0 }
        let fields = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
            separator: " ")
        return (fields.dropFirst().first.flatMap { Int($0) } ?? 0) * sysconf(Int32(_SC_PAGESIZE)) / 1024
    }
}
