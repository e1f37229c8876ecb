import CCount
import Glibc
import MasterBus

/// Many frames of a bus, as fast as they go: what a display and two devices say, with strangers and junk between.
///
/// Proves that decoding allocates nothing once the devices are known, and says how fast it was: frames that lie in
/// memory, and the text of a log that does. `BusStorm [FRAMES]`; it fails below five million frames a second from memory.
@main
struct BusStorm {
    private static let required = 5_000_000.0

    static func main() {
        let wanted = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 50_000_000
        let frames = makeFrames(4096)
        var decoder = BusDecoder()
        var values = 0
        // What is learned once is learned before anything is counted.
        for (index, frame) in frames.enumerated() { _ = decoder.decode(frame, at: .milliseconds(index)) }

        let before = allocationsOfThisThread()
        let start = now()
        var done = 0
        while done < wanted {
            for frame in frames {
                if case .value = decoder.decode(frame, at: .microseconds(done)) { values += 1 }
                done += 1
            }
        }
        let rate = Double(done) * 1e9 / Double(max(1, now() - start))
        let allocations = allocationsOfThisThread() - before
        print("\(done) frames: \(Int(rate)) a second, \(values) values, \(allocations) allocations")

        var text = ""
        guard let name = InterfaceName("can0") else { return }
        for (index, frame) in frames.enumerated() {
            text += CapturedFrame(time: .microseconds(index * 900), interface: name, frame: frame).line + "\n"
        }
        let log = Array(text.utf8)
        var capture = CaptureDecoder()
        let logStart = now()
        var read = 0
        while read < wanted / 4 {
            capture.decode(log.span) { if case .value = $0 { values += 1 } }
            read += frames.count
        }
        let logRate = Double(read) * 1e9 / Double(max(1, now() - logStart))
        print("\(read) lines of a log: \(Int(logRate)) a second")
        if rate < required {
            print("BusStorm: fewer than \(Int(required)) a second")
            exit(1)
        }
    }

    /// Values for the most part, questions, metadata and pieces of texts, as with an awake display.
    private static func makeFrames(_ count: Int) -> [Frame] {
        let shunt = DeviceAddress(type: 0x1B, uid: 0x31297)
        let combi = DeviceAddress(type: 0x0E, uid: 0x2F412)
        var state: UInt64 = 1
        func dice(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        return (0..<count).map { _ in
            let device = dice(2) == 0 ? shunt : combi
            let attribute = UInt16(dice(8))
            switch dice(10) {
            case 0..<3: return BusRequest.read(device, attribute: attribute).frame
            case 3..<7: return BusAnswer.value(attribute: attribute, Float(dice(1000)) / 7).frame(from: device)
            case 7: return BusAnswer.metadata(attribute: attribute, .visualisation(1), leftover: 3).frame(from: device)
            case 8: return BusRequest.metadata(device, attribute: attribute, .unit).frame
            default:
                let chunk = StringChunk(id: 20, sequence: 0, characters: 0x25, length: 1)
                return BusAnswer.string(chunk).frame(from: device)
            }
        }
    }

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}
