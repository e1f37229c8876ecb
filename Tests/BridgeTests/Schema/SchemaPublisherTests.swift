import Testing
import VEDirect

@testable import Bridge

/// A plant, its publisher, and what was published, on a clock of the test's own.
private struct Bench {
    var plant = Plant()
    var publisher: SchemaPublisher
    var now: Duration = .zero
    var isOnline = true
    private(set) var published: [String] = []

    init(_ change: (inout Configuration.Schema) -> Void = { _ in }) {
        var schema = Configuration.Schema()
        change(&schema)
        publisher = SchemaPublisher(schema)
    }

    mutating func appear(_ serial: String, port: String = "/dev/tty0") {
        plant.add(serial, port: port, at: now)
        publisher.appeared(serial, plant: plant, at: now) { Self.take($0, $1, isOnline, &published) }
    }

    mutating func read(_ register: RegisterID, _ number: Int, _ count: Int, of serial: String = "HQ2012ABCDE") throws {
        try plant.read(register, number, count, of: serial, at: now)
        publisher.changed(register, serial: serial, plant: plant, at: now) {
            Self.take($0, $1, isOnline, &published)
        }
    }

    mutating func refuse(_ register: RegisterID, of serial: String = "HQ2012ABCDE") {
        plant.refused(register, serial: serial)
        publisher.changed(register, serial: serial, plant: plant, at: now) {
            Self.take($0, $1, isOnline, &published)
        }
    }

    mutating func heartbeat() {
        publisher.heartbeat(plant: plant, at: now) { Self.take($0, $1, isOnline, &published) }
    }

    mutating func reconnect() {
        publisher.publishAll(plant: plant, at: now) { Self.take($0, $1, isOnline, &published) }
    }

    /// What was published since the last call, without the prefix.
    mutating func news() -> [String] {
        defer { published = [] }
        return published.map { $0.replacing("/venetworking/HQ20", with: "") }
    }

    private static func take(_ topic: String, _ payload: String, _ isOnline: Bool, _ published: inout [String]) -> Bool
    {
        if isOnline { published.append("\(topic) \(payload)") }
        return isOnline
    }
}

@Suite struct SchemaPublisherTests {
    @Test func publishesChangesAndNothingElse() throws {
        var bench = Bench()
        bench.appear("HQ2012ABCDE")
        try bench.read(.panelPower, 2458, 4)
        bench.now = .seconds(1)
        try bench.read(.panelPower, 2458, 4)
        bench.now = .seconds(2)
        try bench.read(.panelPower, 2459, 4)
        #expect(bench.news() == ["12ABCDE/edbc 2458", "12ABCDE/edbc 2459"])
    }

    @Test func saysItAgainEveryInterval() throws {
        var bench = Bench()
        bench.appear("HQ2012ABCDE")
        try bench.read(.systemVoltage, 12, 1)
        #expect(bench.publisher.nextHeartbeat == .seconds(60))
        _ = bench.news()
        bench.now = .seconds(59)
        bench.heartbeat()
        #expect(bench.news() == [])
        #expect(bench.publisher.nextHeartbeat == .seconds(60))
        for minute in 1...3 {
            bench.now = .seconds(60 * minute)
            bench.heartbeat()
            #expect(bench.news() == ["12ABCDE/edef 12"])
        }
        // A charger that no longer answers has no value to repeat.
        bench.plant.lost("HQ2012ABCDE", port: "/dev/tty0")
        bench.now = .seconds(240)
        bench.heartbeat()
        #expect(bench.news() == [])
        #expect(bench.publisher.nextHeartbeat == nil)
    }

    @Test func aReadingAfterTheIntervalIsPublishedThoughItIsTheSame() throws {
        var bench = Bench { $0.interval = .seconds(10) }
        bench.appear("HQ2012ABCDE")
        for second in [0, 4, 8, 12, 16] {
            bench.now = .seconds(second)
            try bench.read(.panelPower, 5, 4)
        }
        #expect(bench.news().count == 2)
    }

    @Test func notAvailableIsNotPublished() throws {
        var bench = Bench()
        bench.appear("HQ2012ABCDE")
        try bench.read(.linkIdleVoltage, 0xFFFF, 2)
        try bench.read(.linkStateTime, 0xFFFF_FFFF, 4)
        try bench.read(.batteryCurrent, 0x7FFF_FFFF, 4)
        #expect(bench.news() == [])
        try bench.read(.linkIdleVoltage, 1246, 2)
        try bench.read(.linkIdleVoltage, 0xFFFF, 2)
        bench.now = .seconds(61)
        bench.heartbeat()
        #expect(bench.news() == ["12ABCDE/200b 1246"])
    }

    @Test func derivedTopicsFollowWhatTheyAreMadeOf() throws {
        var bench = Bench()
        bench.appear("HQ2012ABCDE")
        try bench.read(.chargerCurrent, 35, 2)
        try bench.read(.loadCurrent, 5, 2)
        #expect(bench.news() == [])
        bench.refuse(.batteryCurrent)
        #expect(bench.news() == ["12ABCDE/ed8c 3000"])
        try bench.read(.loadCurrent, 6, 2)
        #expect(bench.news() == ["12ABCDE/ed8c 2900"])
    }

    @Test func anyChargersPowerMovesTheTotalUnderTheMaster() throws {
        var bench = Bench()
        bench.appear("HQ2012ABCDE")
        bench.appear("HQ2017FGHIJ", port: "/dev/tty1")
        for serial in ["HQ2012ABCDE", "HQ2017FGHIJ"] {
            try bench.read(.panelPower, 100, 4, of: serial)
            bench.refuse(.linkTotalPower, of: serial)
        }
        _ = bench.news()
        try bench.read(.panelPower, 150, 4, of: "HQ2017FGHIJ")
        #expect(bench.news() == ["17FGHIJ/edbc 150", "12ABCDE/2027 250"])
    }

    @Test func onlyTheDocumentedRegistersUnlessAllAreWanted() throws {
        var bench = Bench()
        bench.appear("HQ2012ABCDE")
        try bench.read(.panelVoltage, 3412, 2)
        #expect(bench.news() == [])
        bench = Bench { $0.registers = .all }
        bench.appear("HQ2012ABCDE")
        try bench.read(.panelVoltage, 3412, 2)
        try bench.read(.chargerTemperature, -100, 2)
        #expect(bench.news() == ["12ABCDE/edbb 3412", "12ABCDE/eddb 65436"])
    }

    @Test func aBrokerThatComesBackHearsEverything() throws {
        var bench = Bench()
        bench.appear("HQ2012ABCDE")
        bench.isOnline = false
        try bench.read(.panelPower, 1, 4)
        try bench.read(.systemVoltage, 12, 1)
        bench.now = .seconds(1)
        try bench.read(.panelPower, 2, 4)
        bench.isOnline = true
        bench.reconnect()
        #expect(bench.news().sorted() == ["12ABCDE/edbc 2", "12ABCDE/edef 12"])
        #expect(bench.publisher.nextHeartbeat == .seconds(61))
        bench.reconnect()
        #expect(bench.news().count == 2)
    }

    @Test func whatWasNotTakenIsTriedAgainWithTheNextReading() throws {
        var bench = Bench()
        bench.appear("HQ2012ABCDE")
        bench.isOnline = false
        try bench.read(.panelPower, 1, 4)
        bench.isOnline = true
        try bench.read(.panelPower, 1, 4)
        #expect(bench.news() == ["12ABCDE/edbc 1"])
    }
}
