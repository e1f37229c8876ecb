import Testing
import VEDirect

/// Questions and answers as a real host and real devices exchanged them.
@Suite("Conversations", .enabled(if: ProjectFiles.captures != nil, ProjectFiles.captureHint))
struct ConversationTests {
    static let files: [(name: String, questions: Int)] = [
        ("go-victron-bmv-piegn-main.jsonl", 33), ("go-victron-solar-lab.jsonl", 45),
        ("go-victron-solar-piegn-main.jsonl", 45),
    ]

    @Test(
        "docs/vedirect.md 2, 6: every question is the bytes that Request makes, and its answer is among what came",
        arguments: files)
    func questionsAndAnswers(name: String, questions: Int) throws {
        let folder = try #require(ProjectFiles.captures)
        let bytes = try #require(ProjectFiles.read(folder + "/" + name))
        var pairs = 0
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let texts = Self.strings(in: line)
            try #require(texts.count == 4 && texts[0] == Array("tx".utf8) && texts[2] == Array("rx".utf8))
            let (sent, received) = (texts[1], texts[3])
            let question = try #require(Self.frames(in: sent).last, "\(line)")
            let request: Request =
                switch question.response {
                case .done: .ping
                case .unknown: .applicationVersion
                case .error: .productID
                default: .get(try #require(question.register))
                }
            #expect(request.bytes == sent)
            // The answer is the last frame: changes that nobody asked for come before it.
            let frames = Self.frames(in: received)
            let answer = try #require(frames.last, "\(line)")
            switch request {
            case .ping: #expect(answer.response == .ping)
            case .applicationVersion, .productID: #expect(answer.response == .done)
            case .get(let register):
                #expect(answer.response == .get)
                #expect(answer.register == register)
                #expect((answer.flags == []) == (answer.value.count > 0))
            }
            for frame in frames.dropLast() { #expect(frame.response == .async) }
            pairs += 1
        }
        #expect(pairs == questions)
    }

    @Test("docs/vedirect.md 7: every value in the conversations can be read by its definition", arguments: files)
    func values(name: String, questions: Int) throws {
        let folder = try #require(ProjectFiles.captures)
        let bytes = try #require(ProjectFiles.read(folder + "/" + name))
        var read = 0
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let texts = Self.strings(in: line)
            for frame in Self.frames(in: try #require(texts.last)) {
                guard let register = frame.register, frame.flags == [] else { continue }
                let definition = try #require(RegisterCatalogue.standard[register], "\(register) is not in the table")
                #expect(throws: Never.self) { try definition.decode(frame.value) }
                if !definition.observedSizes.isEmpty { #expect(definition.observedSizes.contains(frame.value.count)) }
                read += 1
            }
        }
        #expect(read > questions / 2)
    }

    private static func frames(in bytes: [UInt8]) -> [HexFrame] {
        var frames: [HexFrame] = []
        var decoder = StreamDecoder()
        decoder.decode(bytes) { event in
            if case .hex(let frame) = event { frames.append(frame) }
        }
        return frames
    }

    /// The strings of a line of JSON; each character is a byte (Latin 1).
    private static func strings(in line: Substring) -> [[UInt8]] {
        var strings: [[UInt8]] = []
        var current: [UInt8]?
        var characters = line.unicodeScalars.makeIterator()
        while let scalar = characters.next() {
            guard current != nil else {
                if scalar == "\"" { current = [] }
                continue
            }
            switch scalar {
            case "\"":
                strings.append(current ?? [])
                current = nil
            case "\\":
                guard let escape = characters.next() else { break }
                switch escape {
                case "n": current?.append(0x0A)
                case "r": current?.append(0x0D)
                case "t": current?.append(0x09)
                case "b": current?.append(0x08)
                case "f": current?.append(0x0C)
                case "u":
                    let digits = (0..<4).compactMap { _ in characters.next() }.reduce("") { $0 + String($1) }
                    current?.append(UInt8(truncatingIfNeeded: UInt32(digits, radix: 16) ?? 0))
                default: current?.append(UInt8(truncatingIfNeeded: escape.value))
                }
            default: current?.append(UInt8(truncatingIfNeeded: scalar.value))
            }
        }
        return strings
    }
}
