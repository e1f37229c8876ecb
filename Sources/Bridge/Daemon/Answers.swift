// What the loop answers to requests.
extension Daemon.BridgeLoop {
    /// Does what is asked and answers, at once or, where a device has to be asked, when it has said something.
    mutating func answer(_ pending: PendingRequest, at time: Duration) {
        switch pending.request.action {
        case .republish:
            publisher.publishAll(plant: plant, at: time) { [sink] in sink.publish($0, $1) }
            publishBuses()
            tellEverything(at: time)
            tellAnew(at: time)
            pending.answer(.done(data: "{}"))
        case .rediscover:
            hasPortsChanged = true
            rescan(at: time)
            pending.answer(.done(data: "{\"ports\":\(ports.count)}"))
        case .health:
            pending.answer(.done(data: health(at: time)))
        case .read(let device, let register):
            do throws(ReadFailure) {
                try beginRead(device: device, register: register, pending, at: time)
            } catch {
                pending.answer(.failed(error.words))
            }
        case .update(let address):
            beginUpdate(address, pending, at: time)
        case .logLevel:
            // The desk has done it.
            pending.answer(.failed("the log has a fixed level here"))
        }
    }
}
