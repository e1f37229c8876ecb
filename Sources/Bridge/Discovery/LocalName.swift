import Glibc

/// The address of a host such as `boat.local`, by multicast DNS.
///
/// A system with nss-mdns or systemd-resolved knows such names by itself; this is for one that has avahi-daemon only.
enum LocalName {
    /// One question to avahi-daemon.
    private final class Question {
        let library: AvahiLibrary
        var address: String?
        var isOver = false

        init(_ library: AvahiLibrary) { self.library = library }

        static func from(_ user: UnsafeMutableRawPointer?) -> Question? {
            user.map { Unmanaged<Question>.fromOpaque($0).takeUnretainedValue() }
        }
    }

    /// Asks avahi-daemon, for some seconds; nil where it does not run or the name has no address.
    static func address(of host: String) -> String? {
        guard let library = AvahiLibrary.shared, let poll = library.simplePollNew() else { return nil }
        defer { library.simplePollFree(poll) }
        let question = Question(library)
        // The callbacks run inside the calls below, while `question` lives.
        let user = Unmanaged.passUnretained(question).toOpaque()
        var code: Int32 = 0
        let client = library.clientNew(
            library.simplePollGet(poll), 0,
            { @Sendable _, state, user in
                if state == AvahiLibrary.ClientState.failure.rawValue { Question.from(user)?.isOver = true }
            }, user, &code)
        guard let client else { return nil }
        defer { library.clientFree(client) }
        // IPv4: an IPv6 address of one network would need its name as well.
        let resolver = library.hostResolverNew(
            client, AvahiLibrary.unspecified, AvahiLibrary.unspecified, host, 0, 0,
            { @Sendable _, _, _, event, _, address, _, user in
                guard let question = Question.from(user) else { return }
                question.isOver = true
                var text = [CChar](repeating: 0, count: 64)
                guard event == 0, let start = question.library.addressPrint(&text, text.count, address) else { return }
                question.address = String(cString: start)
            }, user)
        guard resolver != nil else { return nil }
        let deadline = ContinuousClock.now + .seconds(5)
        while !question.isOver, ContinuousClock.now < deadline {
            guard library.simplePollIterate(poll, PollTimeout.milliseconds(until: deadline)) == 0 else { break }
        }
        return question.address
    }
}
