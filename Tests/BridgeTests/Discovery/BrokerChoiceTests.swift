import Testing

@testable import Bridge

@Suite("Which of the brokers found is the one")
struct BrokerChoiceTests {
    private func broker(
        _ name: String, secure: Bool = false, address: String = "10.0.0.2", port: UInt16 = 1883, family: Int32 = 0
    ) -> FoundBroker {
        FoundBroker(
            key: .init(instance: name, isSecure: secure, domain: "local", interface: 2, family: family),
            host: "\(name).local", address: address, port: port)
    }

    private func words(_ actions: [BrokerChoice.Action]) -> [String] {
        actions.compactMap { if case .say(_, let words) = $0 { words } else { nil } }
    }

    @Test("nothing is chosen before all have had their chance; then one line says which and why not the others")
    func choosesAmongAll() {
        var choice = BrokerChoice(wanted: nil, remembered: nil)
        let actions1 = choice.appeared(broker("a"))
        #expect(actions1.isEmpty)
        let actions2 = choice.appeared(broker("z", secure: true, port: 8883))
        #expect(actions2.isEmpty)
        let actions = choice.settled()
        let best = BrokerAddress(host: "10.0.0.2", port: 8883, tls: true, name: "z.local")
        #expect(actions.last == .move(best, breaking: true))
        #expect(
            words(actions) == [
                "broker found: 'z' at z.local:8883 (10.0.0.2), TLS; taken because it is encrypted, not 'a'"
            ])
        // The choice stands, whatever turns up later.
        let actions3 = choice.appeared(broker("b", secure: true))
        #expect(actions3.isEmpty)
    }

    @Test("the one used before comes first, then by name")
    func prefersTheRemembered() {
        var choice = BrokerChoice(wanted: nil, remembered: "m")
        for name in ["a", "m", "b"] { _ = choice.appeared(broker(name, secure: name != "m")) }
        let actions = choice.settled()
        #expect(actions.last == .move(broker("m").brokerAddress, breaking: true))
        #expect(words(actions)[0].contains("because it was used before, not 'a' (TLS), 'b' (TLS)"))
        let isNews = choice.connected()
        #expect(!isNews)
        var fresh = BrokerChoice(wanted: nil, remembered: nil)
        for name in ["c", "b"] { _ = fresh.appeared(broker(name)) }
        let byName = fresh.settled()
        #expect(byName.last == .move(broker("b").brokerAddress, breaking: true))
        #expect(words(byName)[0].hasSuffix("taken because it comes first by name, not 'c'"))
        let isFirst = fresh.connected()
        #expect(isFirst)
        #expect(fresh.remembered == "b")
    }

    @Test("a wanted name takes no other")
    func takesTheWantedOnly() {
        var choice = BrokerChoice(wanted: "boat", remembered: nil)
        _ = choice.appeared(broker("other"))
        let actions4 = choice.settled()
        #expect(words(actions4) == ["no broker 'boat' announces itself in the network yet; looking on"])
        // Said once.
        let actions5 = choice.appeared(broker("another"))
        #expect(actions5.isEmpty)
        let actions6 = choice.vanished(broker("another").key)
        #expect(actions6.isEmpty)
        let actions7 = choice.appeared(broker("boat"))
        #expect(actions7.last == .move(broker("boat").brokerAddress, breaking: true))
    }

    @Test("a broker at another address is followed at once")
    func follows() {
        var choice = BrokerChoice(wanted: nil, remembered: nil)
        _ = choice.appeared(broker("boat"))
        _ = choice.settled()
        let moved = broker("boat", address: "10.0.0.9")
        let actions = choice.appeared(moved)
        #expect(
            words(actions) == [
                "broker 'boat' at boat.local:1883 (10.0.0.2) moved: it is now 'boat' at boat.local:1883 (10.0.0.9)"
            ])
        #expect(actions.last == .move(moved.brokerAddress, breaking: true))
        // Announced anew as it is: nothing to do.
        let actions8 = choice.appeared(moved)
        #expect(actions8.isEmpty)
    }

    @Test("withdrawn: the connection is kept, another broker is for the next one, and the return is noticed")
    func withdrawn() {
        var choice = BrokerChoice(wanted: nil, remembered: nil)
        _ = choice.appeared(broker("boat"))
        _ = choice.settled()
        let gone = choice.vanished(broker("boat").key)
        #expect(
            words(gone) == [
                "broker 'boat' at boat.local:1883 (10.0.0.2) is announced no more; a connection is kept while it lasts"
            ])
        #expect(gone.last == .move(nil, breaking: false))
        let actions9 = choice.vanished(broker("boat").key)
        #expect(actions9.isEmpty)
        let actions10 = choice.appeared(broker("boat"))
        #expect(actions10.last == .move(broker("boat").brokerAddress, breaking: false))
        _ = choice.appeared(broker("other"))
        let other = choice.vanished(broker("boat").key)
        #expect(other.last == .move(broker("other").brokerAddress, breaking: false))
        #expect(
            words(other)[0].hasSuffix(
                "is announced no more; the next connection goes to 'other' at other.local:1883 (10.0.0.2)"))
    }

    @Test("one broker on two networks is one broker: while one of its announcements is left, it is there")
    func severalNetworks() {
        var choice = BrokerChoice(wanted: nil, remembered: nil)
        let six = broker("boat", address: "fe80::1%eth0", family: 1)
        _ = choice.appeared(six)
        _ = choice.appeared(broker("boat"))
        let actions = choice.settled()
        #expect(actions.last == .move(broker("boat").brokerAddress, breaking: true))
        #expect(words(actions) == ["broker found: 'boat' at boat.local:1883 (10.0.0.2)"])
        let actions11 = choice.vanished(broker("boat").key)
        #expect(actions11.last == .move(six.brokerAddress, breaking: true))
    }

    @Test("who says whom to trust is not led to a broker that needs no trust")
    func encryptedOnly() {
        var choice = BrokerChoice(wanted: nil, remembered: "a", needsTLS: true)
        _ = choice.appeared(broker("a"))
        let none = choice.settled()
        #expect(words(none) == ["no encrypted broker announces itself in the network yet; looking on"])
        let secure = broker("b", secure: true)
        let actions = choice.appeared(secure)
        #expect(actions.last == .move(secure.brokerAddress, breaking: true))
    }
}
