import Bridge
import History
import Logging
import NIOCore
import NIOHTTP1

/// What there is to see, and who may see it.
final class WebSite: Sendable {
    let patience: Patience
    let hosts: HostCheck
    let credentials: Credentials
    let hub: EventHub
    let connections: ConnectionTable
    let logins: LoginLimiter
    private let desk: SnapshotDesk
    private let days: DayDesk
    private let ring: LogRing?
    private let noise: NoiseRecord
    private let refusals: Refusals
    let loop: any EventLoop

    init(
        _ configuration: Configuration, loop: any EventLoop, mailbox: Mailbox, ring: LogRing?, log: Logger,
        patience: Patience, limits: ConnectionTable.Limits = .init()
    ) {
        connections = ConnectionTable(limits)
        logins = LoginLimiter(firstLock: patience.firstLock)
        self.loop = loop
        self.patience = patience
        self.ring = ring
        hosts = HostCheck(configuration.web.hosts, machine: Self.machineName)
        credentials = Credentials(configuration.web)
        desk = SnapshotDesk(loop: loop, mailbox: mailbox, patience: patience.bridge)
        days = DayDesk(configuration, loop: loop)
        noise = NoiseRecord()
        refusals = Refusals(log: log)
        hub = EventHub(loop: loop, desk: desk, noise: noise, ring: ring, patience: patience.listener)
    }

    /// Begins what happens by itself.
    func begin() { noise.begin(loop, desk) }

    /// Ends it.
    func end() {
        noise.end()
        hub.end()
        days.end()
    }

    // MARK: Connections

    /// Whether there is room for a connection; counts it until it is closed.
    func admit(_ channel: any Channel) -> Bool {
        guard connections.admit(channel) else {
            refuse(.tooMany, channel)
            return false
        }
        return true
    }

    func refuse(_ refusal: Refusal, _ channel: any Channel) {
        refusals.note(refusal, from: ConnectionTable.peer(of: channel))
    }

    private static var machineName: String { SystemName.host }

    // MARK: Answers

    /// What there is at a path. Always succeeds.
    func answer(_ request: Request) -> EventLoopFuture<Answer> {
        if let asset = Asset.all[request.path] { return now(Answer(asset)) }
        switch request.path {
        case "/healthz": return looked { _ in Answer("ok\n", "text/plain; charset=utf-8") }
        case "/metrics":
            let site = MetricsPage.Site(
                refused: refusals.counts, listeners: hub.count, connections: connections.count,
                unsent: connections.unsent)
            return looked { Answer(MetricsPage.text($0, site), MetricsPage.contentType) }
        case "/api/v1/now": return looked { Answer(NowDocument.text($0) + "\n") }
        case "/api/v1/health":
            let (noise, last) = (noise, ring?.last)
            return looked { Answer(HealthDocument.text($0, noise: noise.minutes(upTo: $0), lastRecord: last) + "\n") }
        case "/api/v1/log": return now(LogDocument.answer(request, ring))
        case "/api/v1/events": return now(Answer("", "text/event-stream"))
        case "/api/v1/days": return days.days(request)
        default:
            if request.path.hasPrefix("/api/v1/days/") {
                return days.day(request.path.dropFirst("/api/v1/days/".count), request)
            }
            return now(.failure(.notFound, "not_found", "there is nothing at this path"))
        }
    }

    private func now(_ answer: Answer) -> EventLoopFuture<Answer> { loop.makeSucceededFuture(answer) }

    private func looked(_ make: @escaping @Sendable (BridgeSnapshot) -> Answer) -> EventLoopFuture<Answer> {
        desk.snapshot().map(make).flatMapErrorThrowing { _ in
            .failure(.serviceUnavailable, "no_answer", "the bridge does not answer")
        }
    }
}
