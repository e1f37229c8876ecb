import Testing
import VEDirect

/// Streams of real devices, counted independently of this decoder.
@Suite("Captures", .enabled(if: ProjectFiles.captures != nil, ProjectFiles.captureHint))
struct CaptureTests {
    struct Capture: Sendable, CustomTestStringConvertible {
        let name: String
        let size: Int
        let frames: Int
        let rejectedFrames: Int
        let blocks: Int
        let rejectedBlocks: Int

        var testDescription: String { name }

        /// The rows of the index that name a stream.
        static let all: [Capture] = {
            guard let folder = ProjectFiles.captures, let bytes = ProjectFiles.read(folder + "/index.tsv") else {
                return []
            }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
                let cells = line.split(separator: "\t", omittingEmptySubsequences: false)
                let numbers = cells.dropFirst().prefix(7).compactMap { Int($0) }
                guard numbers.count == 7 else { return nil }
                return Capture(
                    name: String(cells[0]), size: numbers[0], frames: numbers[1],
                    rejectedFrames: numbers[2] + numbers[3],
                    blocks: numbers[4], rejectedBlocks: numbers[6])
            }
        }()

        func bytes() throws -> [UInt8] {
            let folder = try #require(ProjectFiles.captures)
            return try #require(ProjectFiles.read(folder + "/" + name), "\(name) is in the index and not in the folder")
        }
    }

    @Test(
        "docs/vedirect.md 2, 4, 5: every frame and block of real streams is found, and nothing else",
        arguments: Capture.all)
    func counts(_ capture: Capture) throws {
        let bytes = try capture.bytes()
        #expect(bytes.count == capture.size)
        let found = Decoded.all(in: bytes)
        var frames = 0
        var blocks = 0
        var rejectedFrames = 0
        var rejectedBlocks = 0
        for event in found {
            switch event {
            case .hex: frames += 1
            case .text: blocks += 1
            case .rejected(let rejection):
                if rejection.what == .hex { rejectedFrames += 1 } else { rejectedBlocks += 1 }
            }
        }
        #expect(frames == capture.frames)
        #expect(blocks == capture.blocks)
        #expect(rejectedFrames == capture.rejectedFrames)
        #expect(rejectedBlocks == capture.rejectedBlocks)
    }

    @Test("The pieces in which a stream arrives change nothing", arguments: Capture.all)
    func pieces(_ capture: Capture) throws {
        let bytes = try capture.bytes()
        let whole = Decoded.all(in: bytes)
        #expect(Decoded.all(in: bytes) { 1 } == whole)
        var random = SeededGenerator(seed: 0x5EED)
        for _ in 0..<3 {
            #expect(Decoded.all(in: bytes) { Int.random(in: 1...70, using: &random) } == whole)
        }
    }

    @Test("The index names every stream, so that none is left out")
    func complete() {
        let files = [".raw", ".txt"].flatMap { ProjectFiles.list("../shared/vedirect/captures", suffix: $0) }
        let names = Set(files.compactMap { $0.split(separator: "/").last.map(String.init) })
        #expect(!names.isEmpty)
        #expect(names.subtracting(Capture.all.map(\.name)).isEmpty)
    }
}
