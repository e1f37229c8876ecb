import Benchmark
import CDecode
import MasterBus
import VEDirect
import WireStream

// Of each the limit too: what a loop in C needs for the same bytes, and what copying them takes.
let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput], warmupIterations: 3, maxDuration: .seconds(3), maxIterations: 2_000)
    let size = 4 << 20
    let clean = WireStream(size: size).bytes
    let noisy = WireStream(size: size, bitErrorRate: 1e-3).bytes

    /// Decodes everything, in pieces; returns what it found, so that nothing can be left out.
    @Sendable func decode(_ bytes: [UInt8], pieces: Int) -> Int {
        var decoder = StreamDecoder()
        var found = 0
        var from = 0
        let span = bytes.span
        while from < bytes.count {
            let end = min(from + pieces, bytes.count)
            decoder.decode(
                span.extracting(from..<end), frames: { found &+= 1 &+ Int($0[0]) },
                blocks: { found &+= 1 &+ $0.size }, rejections: { _ in found &+= 1 })
            from = end
        }
        return found
    }

    let frames = BusTraffic.frames(65_536)
    Benchmark("MasterBus, 65,536 frames") { benchmark in
        var decoder = BusDecoder()
        var values = 0
        for _ in benchmark.scaledIterations {
            for (index, frame) in frames.enumerated() {
                if case .value = decoder.decode(frame, at: .microseconds(index)) { values &+= 1 }
            }
        }
        blackHole(values)
    }
    Benchmark("VE.Direct clean, whole buffer, 4 MiB") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(decode(clean, pieces: clean.count)) }
    }
    Benchmark("VE.Direct clean, 31 bytes at a time, 4 MiB") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(decode(clean, pieces: 31)) }
    }
    Benchmark("VE.Direct noisy 1e-3, whole buffer, 4 MiB") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(decode(noisy, pieces: noisy.count)) }
    }
    Benchmark("C loop clean, 4 MiB") { benchmark in
        for _ in benchmark.scaledIterations {
            var counts = cdecode_counts()
            clean.withUnsafeBufferPointer { cdecode($0.baseAddress, $0.count, &counts) }
            blackHole(counts.sum)
        }
    }
    Benchmark("C loop noisy 1e-3, 4 MiB") { benchmark in
        for _ in benchmark.scaledIterations {
            var counts = cdecode_counts()
            noisy.withUnsafeBufferPointer { cdecode($0.baseAddress, $0.count, &counts) }
            blackHole(counts.sum)
        }
    }
    Benchmark("memcpy, 4 MiB") { benchmark in
        var copy = [UInt8](repeating: 0, count: clean.count)
        for _ in benchmark.scaledIterations {
            copy.withUnsafeMutableBytes { to in clean.withUnsafeBytes { from in to.copyMemory(from: from) } }
            blackHole(copy[Int(copy[0])])
        }
    }
}
