import Glibc
import Logging
import Synchronization

/// Finds a broker by multicast DNS and tells a client where it is, for as long as the program runs.
///
/// A thread of its own speaks with avahi-daemon. Brokers announce themselves as `_mqtt._tcp` or `_secure-mqtt._tcp`.
final class BrokerFinder: Sendable {
    private struct State {
        var isEnding = false
        var isConnected = false
        /// Avahi's poll object as a number. Only `wakeup` is called on it from other threads, under this lock, and the
        /// thread takes it out of here before it frees it.
        var poll: UInt = 0
    }

    private let wanted: String?
    private let needsTLS: Bool
    private let memory: String?
    private let log: Logger
    private let client: MQTTClient
    private let state = Mutex(State())
    private let wake = WakeSignal()

    /// A finder for a broker; nil for one whose address is named.
    convenience init?(
        _ broker: Configuration.Broker, configuration: Configuration, log: Logger, client: MQTTClient
    ) {
        guard case .mdns(let instance) = broker.url else { return nil }
        let directory = configuration.bridge.stateDirectory
        self.init(
            wanted: instance, needsTLS: broker.tls != Configuration.TLS(),
            memory: directory.isEmpty ? nil : directory + "/found-broker", log: log, client: client)
    }

    /// - Parameters:
    ///   - wanted: the name that is looked for; nil for any.
    ///   - needsTLS: whether only encrypted brokers are taken.
    ///   - memory: the file with the name of the broker that was used last; nil to begin anew at every start.
    init(wanted: String?, needsTLS: Bool, memory: String?, log: Logger, client: MQTTClient) {
        self.wanted = wanted
        self.needsTLS = needsTLS
        self.memory = memory
        self.log = log
        self.client = client
    }

    /// Starts to look.
    func start() {
        var thread = pthread_t()
        let owner = Unmanaged.passRetained(self)
        let code = pthread_create(
            &thread, nil,
            { @Sendable raw in
                guard let raw else { return nil }
                Unmanaged<BrokerFinder>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, owner.toOpaque())
        if code == 0 {
            pthread_detach(thread)
        } else {
            owner.release()
            log.error("no thread to look for a broker", metadata: ["reason": .string(String(cString: strerror(code)))])
        }
    }

    /// The client has a connection: the broker it leads to is preferred from now on.
    func connected() {
        state.withLock { $0.isConnected = true }
        rouse()
    }

    /// Ends the search. The thread goes by itself.
    func stop() {
        state.withLock { $0.isEnding = true }
        rouse()
    }

    private func rouse() {
        wake.raise()
        guard let library = AvahiLibrary.shared else { return }
        state.withLock { state in
            if let poll = OpaquePointer(bitPattern: state.poll) { library.simplePollWakeup(poll) }
        }
    }

    fileprivate var isEnding: Bool { state.withLock { $0.isEnding } }
    fileprivate func takeConnected() -> Bool {
        state.withLock { state in
            defer { state.isConnected = false }
            return state.isConnected
        }
    }

    // MARK: The thread

    private func run() {
        var signals = sigset_t()
        sigfillset(&signals)
        pthread_sigmask(SIG_SETMASK, &signals, nil)
        guard let library = AvahiLibrary.shared else {
            log.error(
                """
                cannot look for a broker: libavahi-client is not there; on Debian: apt install libavahi-client3 \
                avahi-daemon; or name the broker in broker.url
                """)
            return
        }
        var choice = BrokerChoice(wanted: wanted, remembered: remembered(), needsTLS: needsTLS)
        var lastTrouble: String?
        while !isEnding {
            let search = AvahiSearch(library, finder: self, choice: choice, isFirst: lastTrouble == nil)
            state.withLock { $0.poll = UInt(bitPattern: search.poll) }
            let trouble = search.run()
            state.withLock { $0.poll = 0 }
            choice = search.choice
            choice.forgetAll()
            search.close()
            guard !isEnding else { return }
            if trouble != lastTrouble || search.hasRun {
                lastTrouble = trouble
                log.warning("cannot look for a broker at present; trying again", metadata: ["reason": .string(trouble)])
            }
            _ = wake.wait(until: .now + .seconds(5))
            wake.clear()
        }
    }

    fileprivate func carryOut(_ actions: [BrokerChoice.Action]) {
        for action in actions {
            switch action {
            case .move(let address, let breaking): client.move(to: address, breaking: breaking)
            case .say(let level, let words): log.log(level: level, "\(words)")
            }
        }
    }

    private func remembered() -> String? {
        guard let memory, let bytes = try? Configuration.readFile(memory, limit: 4096) else { return nil }
        let name = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
        return name?.isEmpty == false ? name : nil
    }

    fileprivate func remember(_ name: String) {
        guard let memory else { return }
        do throws(FileReadError) {
            try AtomicFile.write(Array((name + "\n").utf8), to: memory)
        } catch {
            log.warning(
                "which broker was found cannot be kept", metadata: ["reason": .string("\(memory) \(error.reason)")])
        }
    }
}

/// One conversation with avahi-daemon, on one thread.
private final class AvahiSearch {
    static let types = ["_mqtt._tcp", "_secure-mqtt._tcp"]
    /// After the daemon has said that this is all for now, how long names may take to become addresses.
    static let settlingTime: Duration = .milliseconds(700)

    let poll: OpaquePointer?
    var choice: BrokerChoice
    private(set) var hasRun = false

    private let library: AvahiLibrary
    private let isFirst: Bool
    private let finder: BrokerFinder
    private var client: OpaquePointer?
    private var trouble: String?
    private var resolvers: [FoundBroker.Key: OpaquePointer] = [:]
    private var listsToCome = AvahiSearch.types.count
    private var settling: ContinuousClock.Instant?
    private var isSettled = false

    /// - Parameter isFirst: whether nothing was said yet of a daemon that does not run.
    init(_ library: AvahiLibrary, finder: BrokerFinder, choice: BrokerChoice, isFirst: Bool) {
        self.isFirst = isFirst
        self.library = library
        self.finder = finder
        self.choice = choice
        poll = library.simplePollNew()
    }

    /// Looks until there is trouble, and gives it in words.
    func run() -> String {
        guard let poll else { return "out of memory" }
        var code: Int32 = 0
        // The callbacks run inside `iterate` and `clientNew`, on this thread, while this object lives.
        let user = Unmanaged.passUnretained(self).toOpaque()
        client = library.clientNew(
            library.simplePollGet(poll), AvahiLibrary.noFail,
            { @Sendable client, state, user in
                guard let user else { return }
                Unmanaged<AvahiSearch>.fromOpaque(user).takeUnretainedValue().changed(client, state)
            }, user, &code)
        guard client != nil else { return explain(code) }
        while trouble == nil, !finder.isEnding {
            var timeout: Int32 = 600_000
            if let settling { timeout = PollTimeout.milliseconds(until: settling) }
            guard library.simplePollIterate(poll, timeout) == 0 else { return "the connection to avahi-daemon broke" }
            if let settling, ContinuousClock.now >= settling {
                self.settling = nil
                isSettled = true
                finder.carryOut(choice.settled())
            }
            if finder.takeConnected(), choice.connected(), let name = choice.remembered { finder.remember(name) }
        }
        return trouble ?? "stopped"
    }

    /// To be called once nobody can wake the poll any more.
    func close() {
        if let client { library.clientFree(client) }
        client = nil
        if let poll { library.simplePollFree(poll) }
    }

    private func explain(_ code: Int32) -> String {
        let text = library.errorText(code).map { String(cString: $0) } ?? "error \(code)"
        return "\(text): is avahi-daemon installed, and does it run?"
    }

    private func changed(_ client: OpaquePointer?, _ state: Int32) {
        switch AvahiLibrary.ClientState(rawValue: state) {
        case .running:
            // The daemon says so again when it got another host name.
            guard !hasRun else { return }
            self.client = client
            hasRun = true
            browse(client)
        case .failure: trouble = explain(library.clientError(client))
        case .connecting:
            guard isFirst, !hasRun else { return }
            finder.carryOut([.say(.warning, "looking for a broker as soon as avahi-daemon runs")])
        case .registering, .collision, nil: break
        }
    }

    private func browse(_ client: OpaquePointer?) {
        let user = Unmanaged.passUnretained(self).toOpaque()
        for type in Self.types {
            let browser = library.browserNew(
                client, AvahiLibrary.unspecified, AvahiLibrary.unspecified, type, nil, 0,
                { @Sendable _, interface, family, event, name, type, domain, _, user in
                    guard let user else { return }
                    let search = Unmanaged<AvahiSearch>.fromOpaque(user).takeUnretainedValue()
                    guard let event = AvahiLibrary.BrowserEvent(rawValue: event) else { return }
                    search.heard(event, AvahiSearch.key(interface, family, name, type, domain))
                }, user)
            if browser == nil { trouble = explain(library.clientError(client)) }
        }
    }

    private static func key(
        _ interface: Int32, _ family: Int32, _ name: UnsafePointer<CChar>?, _ type: UnsafePointer<CChar>?,
        _ domain: UnsafePointer<CChar>?
    ) -> FoundBroker.Key? {
        guard let name, let type, let domain else { return nil }
        return FoundBroker.Key(
            instance: String(cString: name), isSecure: String(cString: type) == types[1],
            domain: String(cString: domain), interface: interface, family: family)
    }

    private func heard(_ event: AvahiLibrary.BrowserEvent, _ key: FoundBroker.Key?) {
        switch event {
        case .new:
            // A network full of brokers is not to fill the memory.
            if let key, resolvers[key] == nil, resolvers.count < 256 { resolve(key) }
        case .remove:
            guard let key else { return }
            if let resolver = resolvers.removeValue(forKey: key) { _ = library.resolverFree(resolver) }
            finder.carryOut(choice.vanished(key))
        case .allForNow:
            listsToCome -= 1
            if listsToCome == 0, !isSettled { settling = .now + Self.settlingTime }
        case .failure: trouble = explain(library.clientError(client))
        case .cacheExhausted: break
        }
    }

    /// Asks for host, address and port; the answer comes again whenever it changes.
    private func resolve(_ key: FoundBroker.Key) {
        let user = Unmanaged.passUnretained(self).toOpaque()
        resolvers[key] = library.resolverNew(
            client, key.interface, key.family, key.instance, Self.types[key.isSecure ? 1 : 0], key.domain, key.family,
            0,
            { @Sendable _, interface, family, event, name, type, domain, host, address, port, _, _, user in
                guard let user, let key = AvahiSearch.key(interface, family, name, type, domain) else { return }
                let search = Unmanaged<AvahiSearch>.fromOpaque(user).takeUnretainedValue()
                search.resolved(key, isFound: event == 0, host: host, address: address, port: port)
            }, user)
    }

    private func resolved(
        _ key: FoundBroker.Key, isFound: Bool, host: UnsafePointer<CChar>?, address: UnsafeRawPointer?, port: UInt16
    ) {
        guard isFound, let host, let address else {
            // Announced and not to be reached: as good as not there, until it is announced anew.
            finder.carryOut(choice.vanished(key))
            return
        }
        var text = [CChar](repeating: 0, count: 64)
        guard let start = library.addressPrint(&text, text.count, address) else { return }
        var place = String(cString: start)
        if place.hasPrefix("fe80:") {
            // An address of one network is of use with its name only.
            var name = [CChar](repeating: 0, count: 64)
            if if_indextoname(UInt32(key.interface), &name) != nil {
                place += "%" + String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
        }
        let broker = FoundBroker(key: key, host: String(cString: host), address: place, port: port)
        finder.carryOut(choice.appeared(broker))
    }
}
