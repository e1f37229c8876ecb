import Testing

@testable import MasterBus

struct IdentifierTests {
    @Test("the parts of an identifier")
    func parts() {
        let identifier = Identifier(rawValue: 0x083A_F412)
        #expect(identifier.messageClass == 0x08)
        #expect(!identifier.isMeta)
        #expect(identifier.address == combi)
        #expect(identifier.standardID == 0x20E)
        #expect(identifier.kind == .monitoringValue)
        #expect(Identifier(rawValue: 0x08EF_1297).isMeta)
        #expect(Identifier(rawValue: 0x08EF_1297).standardID == 0x23B)
        #expect(Identifier(rawValue: 0x0BEF_1297).kind == .configurationValue)
        #expect(Identifier(kind: .monitoringValue, address: shunt).rawValue == 0x086F_1297)
        #expect(Identifier(rawValue: 0x1F6F_1297).kind == nil)
    }

    @Test("addresses are written without padding beyond two digits")
    func notation() {
        #expect(combi.text == "0x2F412")
        #expect(display.text == "0x840A")
        #expect(DeviceAddress(type: 1, uid: 5).text == "0x05")
        #expect(BusNotation.hex(0x0B) == "0x0B")
        #expect(BusNotation.hex(0x123) == "0x123")
        #expect(BusNotation.hex(0) == "0x00")
    }

    @Test("a token is an address and back, and most numbers are none")
    func tokens() {
        #expect(display.token == 0x0084_0A14)
        #expect(DeviceAddress(token: 0x0084_0A14) == display)
        #expect(DeviceAddress(token: 0x3F80_0000) == nil)
        #expect(DeviceAddress(token: 0x14) == nil)
        #expect(DeviceAddress(token: 0x0484_0A14) == nil)
        var dice = Dice(1)
        for _ in 0..<1000 {
            let address = DeviceAddress(rawValue: UInt32.random(in: 0...UInt32.max, using: &dice))
            if address.uid != 0 { #expect(DeviceAddress(token: address.token) == address) }
        }
    }

    @Test("frames carry Linux's three flags there and back")
    func linux() {
        for id: UInt32 in [0x886F_1297, 0x123, 0x4000_0123, 0x2000_0004, 0xC86F_1297] {
            #expect(Frame(linuxIdentifier: id, bits: 0, count: 0).linuxIdentifier == id)
        }
        #expect(Frame(linuxIdentifier: 0x886F_1297, bits: .max, count: 2).bytes == [0xFF, 0xFF])
        #expect(Frame(linuxIdentifier: 0x886F_1297, bits: .max, count: 8).bits == .max)
        #expect(Frame(linuxIdentifier: 0x886F_1297, bits: .max, count: 0).bits == 0)
        #expect(Frame(linuxIdentifier: 0x886F_1297, bits: .max, count: 64).count == 8)
        #expect(Frame(linuxIdentifier: 0x886F_1297, bits: .max, count: -1).count == 0)
    }

    @Test("an error frame says what is wrong with the line")
    func trouble() throws {
        let trouble = try #require(LineTrouble(frame("20000004#0010000000000000")))
        #expect(trouble.text == "controller problem, receive errors: passive")
        #expect(!trouble.isBusOff)
        #expect(try #require(LineTrouble(frame("20000040#0000000000000000"))).isBusOff)
        #expect(LineTrouble(frame("086F1297#0000DB9AC542")) == nil)
    }
}

struct MessageTests {
    static let messages: [(String, Message)] = [
        ("046F1297#1B97120300020000", .announce(Announcement(address: shunt, eventCounter: 0, constant: 2))),
        (
            "043AF412#0E12F40234010008",
            .announce(Announcement(address: combi, eventCounter: 0x34, constant: 1, flags: 8))
        ),
        ("0550840A#", .hello),
        ("073AF412#083F", .propertyRequest(operation: 0x08, selector: 0x3F)),
        ("063AF412#083F0800", .property(operation: 0x08, selector: 0x3F, value: 8)),
        ("063AF412#09036101", .property(operation: 0x09, selector: 3, value: 0x161)),
        ("06EF1297#083F", .propertyRefusal(operation: 0x08, selector: 0x3F)),
        ("076F1297#30D60003", .stringRequest(id: 0xD6, sequence: 3)),
        (
            "066F1297#30D600004D534820",
            .stringChunk(StringChunk(id: 0xD6, sequence: 0, characters: 0x2048_534D, length: 4))
        ),
        ("066F1297#30D6000400", .stringChunk(StringChunk(id: 0xD6, sequence: 4, characters: 0, length: 1))),
        ("066F1297#30150000", .stringChunk(StringChunk(id: 0x15, sequence: 0, characters: 0, length: 0))),
        ("076F1297#301500004100", .stringWrite(StringChunk(id: 0x15, sequence: 0, characters: 0x41, length: 2))),
        ("186F1297#0100", .readRequest(.monitoring, attribute: 1)),
        ("186F1297#0102", .readRequest(.monitoring, attribute: 0x201)),
        ("086F1297#0000DB9AC542", .value(.monitoring, attribute: 0, bits: 0x42C5_9ADB)),
        ("183AF412#38000000803F", .write(.monitoring, attribute: 0x38, bits: 0x3F80_0000)),
        ("1BEF1297#1300", .readRequest(.configuration, attribute: 0x13)),
        ("0BEF1297#130000000040", .value(.configuration, attribute: 0x13, bits: 0x4000_0000)),
        ("1BEF1297#130000000040", .write(.configuration, attribute: 0x13, bits: 0x4000_0000)),
        ("19EF1297#0100", .readRequest(.alarm, attribute: 1)),
        ("09EF1297#010000000000", .value(.alarm, attribute: 1, bits: 0)),
        ("1AEF1297#0100", .readRequest(.history, attribute: 1)),
        ("0AEF1297#010000000000", .value(.history, attribute: 1, bits: 0)),
        ("106F1297#0100", .noValue(attribute: 1)),
        ("10EF1297#280100", .noMetadata),
        ("116F1297#0700", .noGroup),
        ("18EF1297#2C0100", .metadataRequest(.monitoring, operation: 0x2C, attribute: 1, option: nil)),
        ("18BAF412#26100003", .metadataRequest(.monitoring, operation: 0x26, attribute: 0x10, option: 3)),
        ("08EF1297#2C01002D1400", .metadata(.monitoring, attribute: 1, .unit(string: 0x14))),
        ("08EF1297#020100030100", .metadata(.monitoring, attribute: 1, .visualisation(1))),
        ("08EF1297#060200EE0080BBC4", .metadata(.monitoring, attribute: 2, .minimum(-1500))),
        ("08EF1297#070200EE0080BB44", .metadata(.monitoring, attribute: 2, .maximum(1500))),
        ("08EF1297#080100030AD7233C", .metadata(.monitoring, attribute: 1, .step(0.01))),
        ("08EF1297#0901000300000040", .metadata(.monitoring, attribute: 1, .factoryDefault(2))),
        ("08BAF412#0B1400550100", .metadata(.monitoring, attribute: 0x14, .writable(true))),
        ("08BAF412#0C1400550000", .metadata(.monitoring, attribute: 0x14, .grey(false))),
        ("08BAF412#0D1400550100", .metadata(.monitoring, attribute: 0x14, .eventable(true))),
        ("08BAF412#261000031800", .metadata(.monitoring, attribute: 0x10, .option(index: 3, string: 0x18))),
        ("08BAF412#281400FFFB00", .metadata(.monitoring, attribute: 0x14, .name(string: 0xFB))),
        ("08BAF412#291400FFFB00", .metadata(.monitoring, attribute: 0x14, .longName(string: 0xFB))),
        ("08BAF412#2A1400FFFB00", .metadata(.monitoring, attribute: 0x14, .longestName(string: 0xFB))),
        ("1C6F1297#2C0100", .metadataRequest(.configuration, operation: 0x2C, attribute: 1, option: nil)),
        ("0C6F1297#2C01002D1400", .metadata(.configuration, attribute: 1, .unit(string: 0x14))),
        ("193AF412#070000", .groupRequest(.monitoring, operation: 7, group: 0, index: nil)),
        ("193AF412#03010002", .groupRequest(.monitoring, operation: 3, group: 1, index: 2)),
        ("093AF412#0701005500004040", .groupSize(.monitoring, group: 1, count: 3)),
        ("096F1297#030000030100", .groupItem(.monitoring, group: 0, index: 3, attribute: 1)),
        ("096F1297#280000551234", .groupName(.monitoring, group: 0, string: 0x3412)),
        ("1A6F1297#070000", .groupRequest(.alarm, operation: 7, group: 0, index: nil)),
        ("0A6F1297#070000000000C040", .groupSize(.alarm, group: 0, count: 6)),
        ("1B6F1297#070100", .groupRequest(.history, operation: 7, group: 1, index: nil)),
        ("0B6F1297#070100000000C040", .groupSize(.history, group: 1, count: 6)),
        ("1CEF1297#070100", .groupRequest(.configuration, operation: 7, group: 1, index: nil)),
        ("0CEF1297#070100000000C040", .groupSize(.configuration, group: 1, count: 6)),
    ]

    @Test("every kind of message", arguments: messages)
    func kinds(text: String, message: Message) {
        #expect(Message(frame(text)) == message)
    }

    @Test(
        "what fits no kind, byte for byte, is unknown",
        arguments: [
            "046F1297#1B971203000200",  // an announcement too short
            "046F1297#1B97120200020000",  // of somebody else
            "0550840A#00",  // a hello with data
            "086F1297#0000DB9AC5",  // a value too short
            "086F1297#0000DB9AC54200",  // and too long
            "186F1297#010000",  // neither read nor write
            "18EF1297#2C01",
            "08EF1297#2D01002D1400",  // an operation nobody knows
            "08EF1297#070100000000C0",  // a maximum too short
            "096F1297#070000000000003F",  // half an item
            "096F1297#0700000000C07F",
            "096F1297#070000000000C07F",  // not a number of items
            "0750840A#08",
            "0650840A#083F0B",
            "021A026C#0F0000000000",
            "1F6F1297#0100",
            "086F1297#R", "086#0000DB9AC542", "20000004#0004000000000000", "086F1297##00000DB9AC542",
        ])
    func unknown(text: String) {
        #expect(Message(frame(text)) == .unknown)
    }

    @Test("what a simulated device says is parsed as what it said")
    func answers() {
        var dice = Dice(2)
        for _ in 0..<5000 {
            let device = DeviceAddress(rawValue: .random(in: 1...0x7F_FFFF, using: &dice))
            let attribute = UInt16.random(in: 0...UInt16.max, using: &dice)
            let string = UInt16.random(in: 0...UInt16.max, using: &dice)
            let byte = UInt8.random(in: 0...255, using: &dice)
            let number = Float.random(in: -1e6...1e6, using: &dice)
            let chunk = StringChunk(
                id: string, sequence: byte, characters: .random(in: 0...UInt32.max, using: &dice),
                length: .random(in: 0...4, using: &dice))
            let announcement = Announcement(address: device, eventCounter: byte, constant: 2, flags: 8)
            #expect(Message(BusAnswer.announce(announcement).frame(from: device)) == .announce(announcement))
            #expect(
                Message(BusAnswer.value(attribute: attribute, number).frame(from: device))
                    == .value(.monitoring, attribute: attribute, bits: number.bitPattern))
            #expect(Message(BusAnswer.string(chunk).frame(from: device)) == .stringChunk(chunk))
            let facts: [Metadata] = [
                .visualisation(byte), .minimum(number), .maximum(number), .step(number), .factoryDefault(number),
                .writable(true), .grey(false), .eventable(true), .option(index: byte, string: string),
                .name(string: string), .longName(string: string), .longestName(string: string), .unit(string: string),
            ]
            for fact in facts {
                let answer = BusAnswer.metadata(attribute: attribute, fact, leftover: byte)
                #expect(Message(answer.frame(from: device)) == .metadata(.monitoring, attribute: attribute, fact))
            }
            for tab in Tab.allCases {
                #expect(
                    Message(BusAnswer.groupSize(tab, group: 3, count: byte, leftover: 9).frame(from: device))
                        == .groupSize(tab, group: 3, count: byte))
                #expect(
                    Message(BusAnswer.groupItem(tab, group: 3, index: byte, attribute: attribute).frame(from: device))
                        == .groupItem(tab, group: 3, index: byte, attribute: attribute))
                #expect(
                    Message(BusAnswer.groupName(tab, group: 3, string: string).frame(from: device))
                        == .groupName(tab, group: 3, string: string))
            }
            #expect(
                Message(BusAnswer.property(operation: 9, selector: byte, value: string).frame(from: device))
                    == .property(operation: 9, selector: byte, value: string))
            #expect(
                Message(BusAnswer.propertyRefusal(operation: 8, selector: byte).frame(from: device))
                    == .propertyRefusal(operation: 8, selector: byte))
        }
    }
}

struct RequestTests {
    /// Every request, with random operands.
    private func requests(_ dice: inout Dice) -> [BusRequest] {
        let device = DeviceAddress(rawValue: .random(in: 0...0x7F_FFFF, using: &dice))
        let word = UInt16.random(in: 0...UInt16.max, using: &dice)
        let byte = UInt8.random(in: 0...255, using: &dice)
        var all: [BusRequest] = [
            .hello(from: device), .presence(device), .read(device, attribute: word),
            .option(device, attribute: word, index: byte), .groupSize(device, group: byte),
            .groupItem(device, group: byte, index: byte), .groupName(device, group: byte),
            .string(device, id: word, sequence: byte),
        ]
        all += BusRequest.Question.allCases.map { .metadata(device, attribute: word, $0) }
        all += Tab.allCases.map { .groupCount(device, $0) }
        all += IdentityText.allCases.map { .identity(device, $0) }
        return all
    }

    @Test("no request is a write, whatever its operands")
    func neverWrites() {
        var dice = Dice(3)
        for _ in 0..<2000 {
            for request in requests(&dice) {
                let frame = request.frame
                #expect(frame.count <= 4)
                #expect(frame.flags == .extended)
                switch Message(frame) {
                case .write, .stringWrite, .value, .unknown: Issue.record("\(request) encodes as \(frame.bytes)")
                case .readRequest(let tab, _): #expect(tab == .monitoring && frame.count == 2)
                default: break
                }
            }
        }
    }

    @Test("requests are spelled as displays spell them")
    func spelling() {
        #expect(BusRequest.hello(from: display).frame == frame("0550840A#"))
        #expect(BusRequest.presence(combi).frame == frame("073AF412#083F"))
        #expect(BusRequest.read(shunt, attribute: 1).frame == frame("186F1297#0100"))
        #expect(BusRequest.metadata(shunt, attribute: 1, .unit).frame == frame("18EF1297#2C0100"))
        #expect(BusRequest.option(combi, attribute: 0x10, index: 3).frame == frame("18BAF412#26100003"))
        #expect(BusRequest.groupCount(shunt, .monitoring).frame == frame("076F1297#0802"))
        #expect(BusRequest.groupSize(combi, group: 1).frame == frame("193AF412#070100"))
        #expect(BusRequest.groupItem(shunt, group: 0, index: 3).frame == frame("196F1297#03000003"))
        #expect(BusRequest.groupName(shunt, group: 2).frame == frame("196F1297#280200"))
        #expect(BusRequest.identity(combi, .name).frame == frame("073AF412#0903"))
        #expect(BusRequest.string(combi, id: 0x161, sequence: 2).frame == frame("073AF412#30610102"))
    }

    @Test("an answer is recognised, and the answer to something else is not")
    func correlation() {
        let pairs: [(BusRequest, String)] = [
            (.presence(combi), "063AF412#083F0800"),
            (.read(shunt, attribute: 0), "086F1297#0000DB9AC542"),
            (.read(shunt, attribute: 1), "106F1297#0100"),
            (.metadata(shunt, attribute: 1, .unit), "08EF1297#2C01002D1400"),
            (.metadata(shunt, attribute: 1, .step), "08EF1297#080100030AD7233C"),
            (.option(combi, attribute: 0x10, index: 3), "08BAF412#261000031800"),
            (.groupCount(shunt, .monitoring), "066F1297#08020100"),
            (.groupCount(shunt, .alarm), "06EF1297#0808"),
            (.groupSize(combi, group: 1), "093AF412#0701005500004040"),
            (.groupItem(shunt, group: 0, index: 3), "096F1297#030000030100"),
            (.groupName(shunt, group: 0), "096F1297#280000551234"),
            (.identity(combi, .name), "063AF412#09036101"),
            (.identity(combi, .serial), "06BAF412#0902"),
            (.string(shunt, id: 0xD6, sequence: 0), "066F1297#30D600004D534820"),
        ]
        for (place, pair) in pairs.enumerated() {
            #expect(pair.0.isAnswered(by: Message(frame(pair.1))), "\(pair)")
            for (other, stranger) in pairs.enumerated() where other != place {
                #expect(!pair.0.isAnswered(by: Message(frame(stranger.1))), "\(pair.0) by \(stranger.1)")
            }
        }
        #expect(
            !BusRequest.option(combi, attribute: 0x10, index: 2).isAnswered(by: Message(frame("08BAF412#261000031800")))
        )
        #expect(BusRequest.presence(shunt).isAnswered(by: Message(frame("06EF1297#083F"))))
        #expect(!BusRequest.hello(from: display).isAnswered(by: .hello))
    }
}
