import Logging
final class BrokerFinder: Sendable {
    init?(_ url: BrokerURL, configuration: Configuration, log: Logger, client: MQTTClient) { return nil }
    func start() {}
    func stop() {}
}
