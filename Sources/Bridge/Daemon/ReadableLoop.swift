import Logging

/// What others say that concerns the readable topics.
struct ReadableNews: Sendable {
    /// Home Assistant has started.
    var homeAssistantStarted = false
    /// Devices that the broker believes to be there.
    var remembered = Set<ReadableTopics.Device>()
}

/// Listens at the broker for what concerns the readable topics.
struct ReadableEar: Sendable {
    let filters: [String]
    private let topics: ReadableTopics
    private let statusTopic: String

    init(_ configuration: Configuration) {
        topics = ReadableTopics(prefix: configuration.readable.prefix)
        statusTopic = configuration.homeAssistant.discoveryPrefix + "/status"
        var filters: [String] = []
        if configuration.readable.enabled {
            filters += topics.availabilityFilters
            if configuration.homeAssistant.enabled { filters.append(statusTopic) }
        }
        self.filters = filters
    }

    func hear(_ topic: String, _ payload: [UInt8], isRetained: Bool, _ mailbox: Mailbox) {
        guard payload.elementsEqual("online".utf8) else { return }
        if topic == statusTopic {
            // Kept by the broker it is old news: everything was announced at the connection.
            if !isRetained { mailbox.post { $0.heard.homeAssistantStarted = true } }
        } else if isRetained, let device = topics.device(inAvailability: topic) {
            mailbox.post {
                if $0.heard.remembered.count < ReadablePublisher.maximumGhosts { $0.heard.remembered.insert(device) }
            }
        }
    }
}

/// The readable topics with what belongs to them, as the daemon's loop keeps them.
struct ReadableDesk {
    let isEnabled: Bool
    var publisher: ReadablePublisher
    var announcer: HomeAssistantAnnouncer?
    var book: EnergyBook

    init(_ configuration: Configuration, isSilent: Bool, log: Logger) {
        isEnabled = configuration.readable.enabled && !isSilent
        publisher = ReadablePublisher(configuration)
        book = EnergyBook(stateDirectory: isSilent ? "" : configuration.bridge.stateDirectory, log: log)
        if configuration.homeAssistant.enabled, isEnabled {
            announcer = HomeAssistantAnnouncer(
                configuration, bridgeState: configuration.bridgeStateTopic, version: Daemon.version,
                log: log)
        } else if configuration.homeAssistant.enabled, !configuration.readable.enabled {
            log.warning("homeassistant.enabled has no effect without readable.enabled")
        }
    }

    mutating func mark() { publisher.mark() }

    var nextLook: Duration? {
        guard isEnabled else { return nil }
        guard let due = announcer?.nextDeadline else { return publisher.nextLook }
        return publisher.nextLook.map { min($0, due) } ?? due
    }

    mutating func take(_ news: ReadableNews, at now: Duration) {
        for device in news.remembered { publisher.remembered(device, at: now) }
        if news.homeAssistantStarted { announcer?.homeAssistantStarted(at: now) }
    }

    mutating func forgetSent(at now: Duration) {
        publisher.forgetSent()
        announcer?.forgetSent(at: now)
    }

    mutating func look(_ plant: Plant, at now: Duration, _ publish: (MQTTClient.Message) -> Bool) {
        if announcer?.takeRebirth(at: now) == true { forgetSent(at: now) }
        let picture = plant.picture(at: now)
        book.note(picture, plant, at: now)
        announcer?.look(publisher.devices, plant, at: now, publish)
        publisher.look(ReadableMoment(plant: plant, picture: picture, book: book, now: now), publish)
    }

    /// Everything that was there is away from now on.
    func leave(_ publish: (MQTTClient.Message) -> Bool) {
        for (device, told) in publisher.devices.sorted(by: { $0.key < $1.key }) where told.isOnline == true {
            _ = publish(
                MQTTClient.Message(
                    topic: publisher.topics.availability(device), payload: "offline", qos: 1, retain: true))
        }
    }
}

extension Daemon.Output {
    /// Whether the readable topics are left out: lines are the schema's unless they were asked for.
    func isSilent(_ configuration: Configuration) -> Bool {
        if case .lines = self { !configuration.readable.isPrinted } else { false }
    }
}

extension Daemon.BridgeLoop {
    /// Publishes what is due of the readable topics, and announces devices.
    mutating func tellPeople(at time: Duration) {
        guard let due = readable.nextLook, time >= due else { return }
        readable.look(plant, at: time) { [sink] in sink.publishReadable($0) }
        watchAnnouncements()
        readable.book.save(at: time, log: log)
    }

    private mutating func watchAnnouncements() {
        guard let devices = readable.announcer?.takeUnwatched(), !devices.isEmpty else { return }
        sink.watchAnnouncements(of: devices)
    }

    /// Whoever listens knows nothing: everything is told again.
    mutating func tellAnew(at time: Duration) {
        guard readable.isEnabled, !once else { return }
        readable.forgetSent(at: time)
        readable.look(plant, at: time) { [sink] in sink.publishReadable($0) }
        watchAnnouncements()
    }

    /// The last words.
    mutating func endReadable(at time: Duration) {
        guard readable.isEnabled else { return }
        if once {
            // All that will be announced was announced.
            plant.isScanningBus = false
            readable.look(plant, at: time) { [sink] in sink.publishReadable($0) }
        }
        readable.leave { [sink] in sink.publishReadable($0) }
        readable.book.save(at: time, isLast: true, log: log)
    }
}
