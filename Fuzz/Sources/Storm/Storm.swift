import CCount
import Glibc
import VEDirect

/// Many bytes through the decoder, as fast as they go: random ones, random ones of the protocol's own alphabet, and
/// generated streams with damage.
///
/// Proves that pieces change nothing, that decoding allocates nothing and that memory does not grow, and says how fast
/// it was. `Storm [BYTES] [SEED]`; `Storm --seeds FOLDER` writes small streams for libFuzzer to begin with.
@main
struct Storm {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.count == 2, arguments[0] == "--seeds" { return writeSeeds(to: arguments[1]) }
        let numbers = arguments.compactMap { UInt64($0) }
        guard numbers.count == arguments.count, numbers.count <= 2, numbers.first != 0 else {
            print("usage: Storm [BYTES] [SEED], or Storm --seeds FOLDER")
            exit(2)
        }
        run(wanted: numbers.isEmpty ? 100_000_000 : Int(numbers[0]), seed: numbers.count == 2 ? numbers[1] : 1)
    }

    private static func run(wanted: Int, seed: UInt64) {
        var source = ByteSource(seed: seed, size: 1 << 20)
        var measured = StreamDecoder()
        var whole = StreamDecoder()
        var pieces = StreamDecoder()
        var tally = Tally()
        var done = 0
        var nanoseconds = 0
        var allocations: UInt = 0
        // What is made once, when it is first used, is made before anything is counted.
        for _ in 0..<4 { measured.decode(source.next().span) { tally.add($0) } }
        tally = Tally()
        // Memory is compared from here on: by now every table has been read and every buffer made.
        let settled = min(wanted, 12 << 20)
        var memory: (bytes: Int, resident: Int)?
        while done < wanted {
            let bytes = source.next()

            // What is measured: what a session does with an event.
            let before = allocationsOfThisThread()
            let start = now()
            measured.decode(bytes.span) { tally.add($0) }
            nanoseconds += now() - start
            allocations += allocationsOfThisThread() - before

            // What is compared: one piece, and the sizes in which a serial port delivers.
            var expected = Digest()
            whole.decode(bytes.span) { expected.add($0) }
            var found = Digest()
            var from = 0
            while from < bytes.count {
                let to = min(bytes.count, from + source.pieceSize())
                pieces.decode(bytes.span.extracting(from..<to)) { found.add($0) }
                from = to
            }
            guard found == expected else { fail("pieces find something else: seed \(seed), after \(done) bytes") }

            done += bytes.count
            if memory == nil, done >= settled { memory = (done, residentBytes()) }
        }
        let rate = Double(done) * 1000 / Double(max(1, nanoseconds))
        print("\(done) bytes: \(tally.frames) frames, \(tally.blocks) blocks, \(tally.rejections) refused")
        print("decoding: \(Int(rate)) MB/s, \(allocations) allocations")
        if let memory {
            let growth = residentBytes() - memory.resident
            print("resident memory: \(growth / 1024) KiB more after \(done - memory.bytes) more bytes")
            if growth > 4 << 20 { fail("memory grows") }
        }
        if allocations > 0 { fail("decoding allocates") }
        if tally.frames == 0 || tally.blocks == 0 || tally.rejections == 0 { fail("the bytes have lost their sense") }
    }

    private static func writeSeeds(to folder: String) {
        var random = SeededGenerator(seed: 1)
        for number in 0..<64 {
            let bytes = GeneratedStream.random(count: number % 8 + 1, using: &random).bytes
            guard let file = fopen("\(folder)/seed-\(number)", "wb") else { fail("\(folder): cannot write there") }
            fwrite(bytes, 1, bytes.count, file)
            fclose(file)
        }
    }

    private static func fail(_ reason: String) -> Never {
        print("Storm: \(reason)")
        exit(1)
    }

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// The second number of `statm` is the resident pages.
    private static func residentBytes() -> Int {
        guard let file = fopen("/proc/self/statm", "r") else { fail("/proc/self/statm: not readable") }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 128)
        fgets(&text, Int32(text.count), file)
        let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: " ")
        guard words.count > 1, let pages = Int(words[1]) else { fail("/proc/self/statm: not understood") }
        return pages * Int(getpagesize())
    }
}

/// What a session does with an event: kind, register, flags, a short value and its meaning.
struct Tally {
    private(set) var frames = 0
    private(set) var blocks = 0
    private(set) var rejections = 0
    private var sum = 0.0
    private let catalogue = RegisterCatalogue.standard

    mutating func add(_ event: borrowing StreamDecoder.Event) {
        switch event {
        case .hex(let frame):
            frames += 1
            // Values of more than eight bytes are kept in an array: serial numbers and history, asked for seldom.
            guard frame.count <= 11, frame.flags == [], let register = frame.register,
                let definition = catalogue[register], definition.isNumber,
                let value = try? definition.decode(frame.value)
            else { return }
            sum += value.scaled ?? 0
        case .text: blocks += 1
        case .rejected: rejections += 1
        }
    }
}

extension RegisterDefinition {
    var isNumber: Bool {
        switch kind {
        case .unsigned, .signed: true
        default: false
        }
    }
}
