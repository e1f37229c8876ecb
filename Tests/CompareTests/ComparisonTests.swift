import Compare
import Testing
import VEDirect

/// What is right is called right, and what is wrong is called by its name, with nothing else accused.
@Suite("Comparison")
struct ComparisonTests {
    private static let seeds: [UInt64] = [1, 2, 3]

    private func verdict(_ fault: Plant.Fault, _ seed: UInt64, derived: Bool = false, seconds: Int = 600) throws
        -> Comparison.Verdict
    {
        var plant = Plant(seed: seed, seconds: seconds)
        return try plant.comparison(fault, derived: derived).verdict(at: Double(seconds))
    }

    private func disagreements(_ verdict: Comparison.Verdict) -> [Finding] { verdict.findings.filter(\.isDisagreement) }

    @Test("ten minutes of clouds: nothing is accused", arguments: seeds)
    func agreement(_ seed: UInt64) throws {
        let verdict = try verdict(.none, seed)
        #expect(verdict.findings == [])
        #expect(verdict.agrees == true)
        #expect(verdict.topics.count == 14)
        #expect(verdict.topics.allSatisfy { $0.compared > 0 && ($0.agreement ?? 0) > 0.95 })
    }

    @Test("a minute is enough", arguments: seeds)
    func aMinute(_ seed: UInt64) throws {
        let verdict = try verdict(.none, seed, seconds: 60)
        #expect(verdict.findings == [])
        #expect(verdict.agrees == true)
    }

    /// The charge state changes at any time, and a slow round sees it up to 20 s later.
    @Test("a bridge that agrees is never accused", arguments: [8, 20, 32, 60, 90, 600])
    func neverAccused(_ seconds: Int) throws {
        for seed: UInt64 in 1...(seconds > 100 ? 4 : 24) {
            var plant = Plant(seed: seed &* 977, seconds: seconds)
            let change = Double(seed % 8 + 1) / 9 * Double(seconds)
            let verdict = try plant.comparison(.none, slowPhase: Int(seed) % 20, change: change)
                .verdict(at: Double(seconds))
            #expect(disagreements(verdict) == [], "seed \(seed), \(seconds) s, state changes at \(change) s")
            #expect(verdict.agrees != false)
            if seconds < 10 { #expect(verdict.isTooShort && verdict.agrees == nil) }
            if seconds > 60 { #expect(verdict.agrees == true, "\(verdict.findings.map(\.text))") }
        }
    }

    @Test("a unit and a sign are named within 20 s", arguments: seeds)
    func soon(_ seed: UInt64) throws {
        #expect(disagreements(try verdict(.scale, seed, seconds: 20)).map(\.kind) == [.scale])
        #expect(disagreements(try verdict(.sign, seed, seconds: 20)).map(\.kind) == [.sign])
    }

    @Test("eight seconds are too short, and it says how long it takes")
    func tooShort() throws {
        let verdict = try verdict(.scale, 1, seconds: 8)
        #expect(verdict.isTooShort && verdict.agrees == nil)
        let text = TextReport.conclusion(verdict, otherName: "BLE")
        #expect(
            text.hasPrefix("Too short to say: both were heard for ") && text.contains("It takes 10 s, and 1 min for"))
    }

    @Test("a difference without a name is told with its share and median")
    func wording() throws {
        var comparison = Comparison()
        var random = Plant.Generator(state: 7)
        for second in 0..<120 {
            let watts = 300 + Double(second % 2)
            for (topic, factor) in [("/venetworking/HQ2012AAAA1/edbc", 1.0), ("venetworking/HQ2012AAAA1/EDBC", 0.0)] {
                let number = factor == 1 ? Int(watts * 100) : Int.random(in: 10_000...60_000, using: &random)
                let message = try #require(ComparedMessage(topic: topic, payload: "\(number)"))
                if factor == 1 {
                    comparison.hearSerial(message, at: Double(second))
                } else {
                    comparison.hearOther(message, at: Double(second))
                }
            }
        }
        let found = disagreements(try comparison.verdict(at: 120))
        #expect(found.count == 1)
        let text = found.first?.text ?? ""
        #expect(text.contains("BLE differs in ") && text.contains(" % of samples, median difference "), "\(text)")
    }

    @Test("what the serial side derives in coarse steps agrees, and is said to be derived", arguments: seeds)
    func derived(_ seed: UInt64) throws {
        let verdict = try verdict(.none, seed, derived: true)
        #expect(disagreements(verdict) == [])
        #expect(verdict.findings.map(\.name) == ["ed8c", "ed8c"])
        #expect(verdict.findings.allSatisfy { $0.text.contains("derives it in steps of 0.100 A") })
    }

    @Test("ids without week and year are known all the same", arguments: seeds)
    func ids(_ seed: UInt64) throws {
        let verdict = try verdict(.ids, seed)
        #expect(verdict.findings == [])
        #expect(verdict.agrees == true)
    }

    @Test("another unit is named with its factor, and nothing else", arguments: seeds)
    func scale(_ seed: UInt64) throws {
        let found = disagreements(try verdict(.scale, seed))
        #expect(found.map(\.kind) == [.scale])
        #expect(found.first?.device == Plant.serials[1] && found.first?.name == "edbc")
        #expect(found.first?.text.hasSuffix("BLE is 0.1 × serial: unit is 0.1 W there") == true)
    }

    @Test("two chargers under each other's name are named, once", arguments: seeds)
    func swapped(_ seed: UInt64) throws {
        let verdict = try verdict(.swapped, seed)
        #expect(disagreements(verdict).map(\.kind) == [.swapped])
        #expect(disagreements(verdict).first?.text.hasPrefix("\(Plant.serials[0]) and \(Plant.serials[1]):") == true)
    }

    @Test("a turned sign is named", arguments: seeds)
    func sign(_ seed: UInt64) throws {
        let found = disagreements(try verdict(.sign, seed))
        #expect(found.map(\.kind) == [.sign])
        #expect(found.first?.device == Plant.serials[0] && found.first?.name == "ed8c")
    }

    @Test("thirty seconds of delay are named as such", arguments: seeds)
    func lag(_ seed: UInt64) throws {
        let found = disagreements(try verdict(.lag, seed))
        #expect(Set(found.map(\.kind)) == [.lag])
        #expect(Set(found.map(\.name)).isSuperset(of: ["edbc", "ed8c"]))
        #expect(Set(found.map(\.name)).isSubset(of: ["edbc", "ed8c", "2007"]))
        #expect(found.allSatisfy { (28...33).contains($0.figure ?? 0) })
    }

    @Test("a topic that stands still is named", arguments: seeds)
    func frozen(_ seed: UInt64) throws {
        let found = disagreements(try verdict(.frozen, seed))
        #expect(found.map(\.kind) == [.frozen])
        #expect(found.first?.device == Plant.serials[0] && found.first?.name == "edbc")
    }

    @Test("a register that only one side has is named, and is no disagreement where it is ours", arguments: seeds)
    func missing(_ seed: UInt64) throws {
        let verdict = try verdict(.missing, seed)
        #expect(verdict.findings.map(\.kind) == [.onlySerial])
        #expect(verdict.findings.first?.name == "2001")
        #expect(verdict.agrees == true)
    }

    @Test("forty of a hundred samples lost are named as lost, and nothing is called wrong", arguments: seeds)
    func loss(_ seed: UInt64) throws {
        let verdict = try verdict(.loss, seed)
        #expect(verdict.findings.map(\.kind) == [.loss, .loss])
        #expect(verdict.findings.allSatisfy { (0.3...0.5).contains($0.figure ?? 0) })
        #expect(verdict.agrees == true)
    }

    @Test("an id that fits two chargers is an error that names both")
    func ambiguous() throws {
        var comparison = Comparison()
        for serial in ["HQ2012AAAA1", "HQ2113AAAA1"] {
            let message = try #require(ComparedMessage(topic: "/venetworking/\(serial)/edbc", payload: "100"))
            comparison.hearSerial(message, at: 1)
        }
        comparison.hearOther(
            try #require(ComparedMessage(topic: "venetworking/HQyywwAAAA1/EDBC", payload: "100")), at: 2)
        do {
            _ = try comparison.verdict(at: 3)
            Issue.record("no error")
        } catch {
            #expect(error.description.contains("HQ2012AAAA1 and HQ2113AAAA1"))
        }
    }

    @Test("nothing on one side is nothing to compare")
    func nothing() throws {
        var comparison = Comparison()
        #expect(try comparison.verdict(at: 10).agrees == nil)
        comparison.hearSerial(
            try #require(ComparedMessage(topic: "/venetworking/HQ2012AAAA1/edbc", payload: "100")), at: 1)
        #expect(try comparison.verdict(at: 20).agrees == nil)
    }

    @Test(
        "every spelling of the schema is understood",
        arguments: [
            ("/venetworking/HQ2012AAAA1/edbc", "2458"), ("venetworking/HQ2012AAAA1/EDBC", "2458"),
            ("VENETWORKING/hq2012aaaa1/0xEDBC", "2458"), ("vedirect/HQ2012AAAA1/0xEDBC", "24.580000"),
            ("/vedirect/HQ2012AAAA1/0xedbc", "24.58"), ("venetworking/HQ2012AAAA1/0000EDBC", "2458"),
        ])
    func spellings(_ topic: String, _ payload: String) {
        let message = ComparedMessage(topic: topic, payload: payload)
        #expect(message?.topic == .register(device: "HQ2012AAAA1", .panelPower))
        #expect(message?.value == .number(24.58))
    }

    @Test("numbers of two's complement, signed ones and sentinels are what they mean")
    func meanings() {
        func value(_ register: String, _ payload: String) -> ComparedValue? {
            ComparedMessage(topic: "/venetworking/HQ2012AAAA1/\(register)", payload: payload)?.value
        }
        #expect(value("ed8c", "4294967294") == .number(-0.002))
        #expect(value("ed8c", "-2") == .number(-0.002))
        #expect(value("edbc", "4294967295") == .notAvailable)
        #expect(value("0100", "62a0") == .text("62A0"))
        #expect(value("2001", "65535") == .notAvailable)
        let bus = ComparedMessage(topic: "masterbus/0x031297/0x2", payload: "-4.500000")
        #expect(bus?.topic == .attribute(device: 0x31297, 2))
        #expect(bus?.value == .number(-4.5))
        for topic in [
            "masterbus/0x31297/0x02/name", "vedirect/network/panelPower", "venetworking/AABBCCDDEEFF/unparsedcleartext",
            "vedirect/HQ2012AAAA1/shareOfNetwork", "venetworking/x", "other/HQ2012AAAA1/edbc", "", "/",
        ] {
            #expect(ComparedMessage(topic: topic, payload: "1") == nil, "\(topic)")
        }
    }
}
