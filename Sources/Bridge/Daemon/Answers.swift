// What the loop answers to requests.
extension Daemon.BridgeLoop {
    /// Does what is asked, as far as it is done here, and gives the answer.
    mutating func answer(_ action: BridgeRequest.Action, at time: Duration) -> BridgeAnswer {
        switch action {
        case .republish:
            publisher.publishAll(plant: plant, at: time) { [sink] in sink.publish($0, $1) }
            publishBuses()
            tellAnew(at: time)
            return .done(data: "{}")
        case .rediscover:
            hasPortsChanged = true
            rescan(at: time)
            return .done(data: "{\"ports\":\(ports.count)}")
        case .health:
            let answering = ports.count { $0.serial != nil }
            return .done(
                data: "{\"uptime\":\(time.components.seconds),\"ports\":\(ports.count),\"chargers\":\(answering),"
                    + "\"brokers\":\(sink.health)}")
        case .read, .logLevel:
            return .failed("the bridge cannot do this yet")
        }
    }
}
