import Testing
import VEDirect

@Suite("Requests")
struct RequestTests {
    @Test("docs/vedirect.md 2: requests are the bytes that the document and real hosts send")
    func examples() {
        let examples: [(Request, String)] = [
            (.ping, ":154\n"), (.applicationVersion, ":352\n"), (.productID, ":451\n"),
            (.get(.panelPower), ":7BCED00A5\n"), (.get(.productID), ":70001004D\n"),
            (.get(.serialNumber), ":70A010043\n"),
            (.get(.maximumCurrent), ":7F0ED0071\n"),
            // A check byte below 10 keeps its two digits.
            (.get(.linkTotalPower), ":7272000" + "07\n"),
        ]
        for (request, text) in examples { #expect(String(decoding: request.bytes, as: UTF8.self) == text) }
    }

    private static var all: [Request] {
        [.ping, .applicationVersion, .productID] + (UInt16.min...UInt16.max).map { .get(RegisterID($0)) }
    }

    @Test("docs/vedirect.md 10: of all requests there are, none begins with 0, 6 or 8, and each reads back as itself")
    func readOnly() {
        var decoder = StreamDecoder()
        var checked = 0
        for request in Self.all {
            let bytes = request.bytes
            guard bytes.count >= 5, bytes[0] == 0x3A, bytes.last == 0x0A else {
                Issue.record("\(request) is \(bytes)")
                return
            }
            let expected: UInt8 =
                switch request {
                case .ping: 0x1
                case .applicationVersion: 0x3
                case .productID: 0x4
                case .get: 0x7
                }
            var isRight = false
            decoder.decode(bytes) { event in
                guard case .hex(let frame) = event, frame.nibble == expected else { return }
                if case .get(let register) = request {
                    isRight = frame.register == register && frame.flags == [] && frame.count == 3
                } else {
                    isRight = frame.count == 0
                }
            }
            guard isRight, !bytes.dropFirst().contains(0x3A), !bytes.dropLast().contains(0x0A) else {
                Issue.record("\(request) is \(bytes)")
                return
            }
            guard ![0x30, 0x36, 0x38].contains(bytes[1]) else {
                Issue.record("\(request) begins with a command that changes the device")
                return
            }
            checked += 1
        }
        #expect(checked == 65_539)
    }

    @Test("docs/vedirect.md 10: the library has one place that makes frames, and its commands are 1, 3, 4 and 7")
    func oneEncoder() throws {
        let files = ProjectFiles.list("Sources/VEDirect", suffix: ".swift")
        #expect(files.contains("Sources/VEDirect/Wire/Request.swift"))
        #expect(files.count >= 14)
        for file in files where !file.hasPrefix("Sources/VEDirect/Registers/Tables/") {
            let lines = try ProjectFiles.text(file).split(separator: "\n", omittingEmptySubsequences: false)
            for (number, line) in lines.enumerated() {
                let code = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false)[0]
                if file.hasSuffix("Wire/Request.swift") { continue }
                #expect(!Self.makesFrames(code), "\(file):\(number + 1) makes a frame: \(line)")
            }
        }
        let encoder = try ProjectFiles.text("Sources/VEDirect/Wire/Request.swift")
        let commands = encoder.split(separator: "\n").compactMap { line -> String? in
            let words = line.split(separator: " ")
            return words.count == 4 && words[0] == "case" && words[2] == "=" ? String(words[3]) : nil
        }
        #expect(commands == ["0x1", "0x3", "0x4", "0x7"])
        // The colon is written once, with the digit of a command behind it, and no frame is spelt out.
        #expect(encoder.split(separator: "0x3A").count == 2)
        #expect(encoder.contains("[0x3A, digits[Int(command.rawValue)]]"))
        #expect(!encoder.contains("\":"))
    }

    @Test(
        "The search for other encoders finds them",
        arguments: [
            "var line: [UInt8] = [0x3A, 0x38]", "bytes.append(0x3A)", "let text = \":8F0ED0064000C\\n\"",
            "text += \":\" + digits",
            "let colon = UInt8(ascii: \":\")", "let colon: UInt8 = 58",
        ])
    func searchWorks(_ code: String) {
        #expect(Self.makesFrames(Substring(code)))
    }

    /// Whether a line of code could write a colon; comparing one with what has come is what decoders do.
    private static func makesFrames(_ code: Substring) -> Bool {
        var rest = String(code)
        for comparison in ["== 0x3A", "!= 0x3A", "case 0x3A", "word ^ 0x3A3A_3A3A_3A3A_3A3A"] {
            rest = rest.split(separator: comparison, omittingEmptySubsequences: false).joined()
        }
        if rest.contains("0x3A") || rest.contains("0x3a") || rest.contains("0b0011_1010") || rest.contains("= 58") {
            return true
        }
        // A string that begins with a colon and ends there or goes on with a hex digit; messages say ": ".
        let parts = rest.split(separator: "\":", omittingEmptySubsequences: false).dropFirst()
        return parts.contains { part in part.first.map { $0 == "\"" || $0.isHexDigit } ?? true }
    }
}
