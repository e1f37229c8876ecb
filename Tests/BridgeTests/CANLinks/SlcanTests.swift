import MasterBus
import Simulation
import Testing

@testable import Bridge

@Suite("Lawicel's protocol")
struct SlcanTests {
    private func parse(_ bytes: [UInt8], pieces: Int = .max) -> [SlcanParser.Token] {
        var parser = SlcanParser()
        var tokens: [SlcanParser.Token] = []
        var from = 0
        while from < bytes.count {
            let to = from + min(pieces, bytes.count - from)
            parser.parse(bytes.span.extracting(from..<to)) { tokens.append($0) }
            from = to
        }
        return tokens
    }

    private func parse(_ text: String) -> [SlcanParser.Token] { parse(Array(text.utf8)) }

    private func randomFrame(_ random: inout SeededRandom) -> Frame {
        let flags: Frame.Flags = [[.extended], [], [.extended, .remote], .remote][random.whole(below: 4)]
        return Frame(
            rawIdentifier: UInt32(truncatingIfNeeded: random.next()), flags: flags, bits: random.next(),
            count: random.whole(below: 9))
    }

    @Test("lines as adapters write them")
    func lines() {
        let shunt = Frame(rawIdentifier: 0x086F_1297, bits: 0x42C5_9ADB_0000, count: 6)
        #expect(parse("T086F129760000DB9AC542\r") == [.frame(shunt)])
        #expect(parse("t086F129760000db9ac542\r") != [.frame(shunt)])
        #expect(parse("T086f129760000db9ac542\r") == [.frame(shunt)])
        // A time stamp where none was wanted.
        #expect(parse("T086F129760000DB9AC542BEEF\r") == [.frame(shunt)])
        #expect(parse("\r\u{7}z\rZ\r") == [.done, .refused, .taken, .taken])
        #expect(parse("F24\rV1013\rNA123\r") == [.status(0x24), .version("V1013"), .version("NA123")])
        #expect(parse("\r\n\n") == [.done])
        #expect(parse("t7FF0\r") == [.frame(Frame(rawIdentifier: 0x7FF, flags: [], bits: 0, count: 0))])
        #expect(
            parse("R1ABCDEF05\r")
                == [.frame(Frame(rawIdentifier: 0x1ABC_DEF0, flags: [.extended, .remote], bits: 0, count: 5))])
    }

    @Test(
        "junk is called junk",
        arguments: [
            "T\r", "T0\r", "T086F1297\r", "T086F12979\r", "T086F129760000DB9AC54\r", "T086F129760000DB9AC542BEE\r",
            "TFFFFFFFF0\r", "t8000\r", "T086F129G0\r", "x\r", "F\r", "FG0\r", "F123\r", "zz\r", "T086F1297200G0\r",
        ])
    func junk(text: String) { #expect(parse(text) == [.damaged]) }

    @Test("a bell in the middle of a line ends it; a line without end is dropped whole")
    func torn() {
        #expect(parse("T086F12\u{7}\r") == [.damaged, .refused, .done])
        #expect(parse(String(repeating: "A", count: 10_000) + "\rz\r") == [.damaged, .taken])
    }

    @Test("any frame that has a line comes back, in pieces of any size")
    func roundTrip() throws {
        var random = SeededRandom(seed: 7)
        var bytes: [UInt8] = []
        var frames: [SlcanParser.Token] = []
        for _ in 0..<2000 {
            let frame = randomFrame(&random)
            bytes += try #require(SlcanCommand.bytes(of: frame))
            frames.append(.frame(frame))
        }
        for pieces in [1, 2, 7, 29, 4096] { #expect(parse(bytes, pieces: pieces) == frames) }
        #expect(SlcanCommand.bytes(of: Frame(rawIdentifier: 4, flags: .error, bits: 0, count: 8)) == nil)
    }

    @Test("any bytes give the same in one piece and byte by byte, and no more tokens than ends of lines")
    func fuzz() {
        let alphabet = Array("TtRrFVNzZ0123456789ABCDEFabcdef\r\r\r\n\u{7}SOC".utf8)
        for seed: UInt64 in 0..<300 {
            var random = SeededRandom(seed: seed)
            let bytes = (0..<400).map { _ in
                seed % 2 == 0 ? alphabet[random.whole(below: alphabet.count)] : UInt8(truncatingIfNeeded: random.next())
            }
            let whole = parse(bytes)
            #expect(parse(bytes, pieces: 1) == whole)
            #expect(whole.count <= bytes.count { $0 == 0x0D } + 2 * bytes.count { $0 == 0x07 })
        }
    }

    @Test("damage to a stream of frames makes no frame that was not sent, but for damage within one")
    func damage() throws {
        var random = SeededRandom(seed: 11)
        let frames = (0..<200).map { _ in randomFrame(&random) }
        var bytes = try frames.flatMap { try #require(SlcanCommand.bytes(of: $0)) }
        for _ in 0..<20 { bytes.remove(at: random.whole(below: bytes.count)) }
        let found = parse(bytes).count { if case .frame = $0 { true } else { false } }
        #expect(found >= 200 - 2 * 20)
        #expect(found <= 200)
    }
}

@Suite("The conversation with an adapter")
struct SlcanConversationTests {
    private struct Talk {
        var conversation: SlcanConversation
        var now = Duration.zero
        var said: [String] = []
        var frames: [Frame] = []

        init(isListenOnly: Bool = false) { conversation = SlcanConversation(isListenOnly: isListenOnly, at: .zero) }

        mutating func hear(_ text: String) {
            let bytes = Array(text.utf8)
            var heard: [Frame] = []
            conversation.receive(bytes.span, at: now) { heard.append($0) }
            frames += heard
            note()
        }

        mutating func pass(_ time: Duration) {
            now += time
            conversation.advance(to: now)
            note()
        }

        mutating func send(_ request: BusRequest) -> Bool {
            let isTaken = conversation.send(request.frame)
            note()
            return isTaken
        }

        mutating func note() {
            let text = String(decoding: conversation.takeOutput(), as: UTF8.self)
            if !text.isEmpty { said.append(text) }
        }
    }

    @Test("an adapter is closed, set to 250 kbit/s without time stamps, and opened")
    func opening() {
        var talk = Talk()
        talk.hear("\u{7}\u{7}\r")
        #expect(talk.said == ["\r\r\rC\r"])
        talk.pass(SlcanConversation.settleTime)
        talk.hear("\r")
        talk.hear("\r")
        #expect(talk.conversation.state == .opening)
        let isTakenEarly = talk.send(BusRequest.hello(from: DeviceAddress(type: 0x14, uid: 1)))
        #expect(!isTakenEarly)
        talk.hear("\r")
        #expect(talk.said == ["\r\r\rC\r", "Z0\r", "S5\r", "O\r"])
        #expect(talk.conversation.state == .open)
        let isTaken = talk.send(BusRequest.read(DeviceAddress(type: 0x1B, uid: 0x31297), attribute: 1))
        #expect(isTaken)
        #expect(talk.said.last == "T186F129720100\r")
    }

    @Test("an adapter that acknowledges nothing is opened all the same")
    func silentAdapter() {
        var talk = Talk()
        for _ in 0..<5 { talk.pass(.milliseconds(200)) }
        #expect(talk.said.joined() == "\r\r\rC\rZ0\rS5\rO\r")
        #expect(talk.conversation.state == .open)
        talk.hear("T086F129760000DB9AC542\r")
        #expect(talk.frames.count == 1)
    }

    @Test("to listen only is said to the adapter; one that knows no such mode is opened, and nothing is sent")
    func listening() {
        var talk = Talk(isListenOnly: true)
        talk.pass(SlcanConversation.settleTime)
        talk.hear("\r\r")
        #expect(talk.said.last?.hasSuffix("L\r") == true)
        talk.hear("\u{7}")
        #expect(talk.said.last == "O\r")
        talk.hear("\r")
        #expect(talk.conversation.state == .open)
        let isTaken = talk.send(BusRequest.hello(from: DeviceAddress(type: 0x14, uid: 1)))
        #expect(!isTaken)
    }

    @Test("refusals that matter end it")
    func refusals() {
        var talk = Talk()
        talk.pass(SlcanConversation.settleTime)
        talk.hear("\u{7}\u{7}")
        #expect(talk.conversation.state == .failed("the adapter does not take 250 kbit/s (S5)"))
        talk = Talk()
        talk.pass(SlcanConversation.settleTime)
        talk.hear("\r\r\u{7}")
        #expect(talk.conversation.state == .failed("the adapter does not open the bus (O)"))
        talk = Talk()
        talk.pass(SlcanConversation.settleTime)
        talk.hear("\r\r\r")
        for _ in 1..<SlcanConversation.refusalPatience { talk.hear("\u{7}") }
        #expect(talk.conversation.state == .open)
        talk.hear("T086F129760000DB9AC542\r\u{7}")
        #expect(talk.conversation.state == .open)
        for _ in 0..<SlcanConversation.refusalPatience { talk.hear("\u{7}") }
        #expect(talk.conversation.state != .open)
    }

    @Test("the controller's state becomes an error frame, once; an adapter without the question is not asked on")
    func status() throws {
        var talk = Talk()
        talk.pass(SlcanConversation.settleTime)
        talk.hear("\r\r\r")
        talk.pass(.seconds(5))
        #expect(talk.said.last == "F\r")
        talk.hear("F24\rF24\r")
        #expect(talk.frames.count == 1)
        let trouble = try #require(LineTrouble(talk.frames[0]))
        #expect(trouble.text.contains("receive errors: passive"))
        talk.hear("F00\r")
        #expect(talk.frames.count == 1)
        let asked = talk.said.count
        for _ in 0..<20 { talk.pass(.seconds(5)) }
        #expect(talk.said.count <= asked + 3)
        #expect(talk.conversation.deadline == nil)
    }
}
