import Logging

extension Daemon.BridgeLoop {
    /// Reads what other threads said; gives the reason when one of them asked to stop.
    mutating func readMailbox(at time: Duration) -> String? {
        let contents = mailbox.take()
        defer { turns.removeAll(keepingCapacity: true) }
        if let lost = contents.disconnection {
            // The mailbox holds the last word only: on a slow machine the first one of a reason may not be read.
            // A broker that never acknowledges is connected to again and again: that is said once.
            let isKnown = lost.cause == .unacknowledged && toldCause == .unacknowledged
            if !isKnown, isConnected || lost.repeats <= 1 || lost.cause != toldCause {
                log.warning("broker not connected; trying again", metadata: ["reason": .string(lost.reason)])
                toldCause = lost.cause
            }
            isConnected = false
            lastDisconnection = lost.reason
        }
        if let refusal = contents.refusal, !hasToldOfRefusal {
            hasToldOfRefusal = true
            log.warning(
                "the broker does not take what is published: check the user's rights there",
                metadata: ["reason": .string(refusal)])
        }
        for (broker, notice) in contents.notices { logUndeliverable(notice, broker) }
        if let version = contents.isConnected {
            isConnected = true
            let isKnown = toldCause == .unacknowledged
            if !isKnown { toldCause = nil }
            log.log(
                level: isKnown ? .debug : .notice, "broker connected",
                metadata: ["mqtt": .string(version.description)])
            sink.announce()
        }
        if contents.isConnected != nil || contents.isDrained {
            sink.beginCatchUp()
            publisher.publishAll(plant: plant, at: time) { [sink] in sink.publish($0, $1) }
            publishBuses()
            tellEverything(at: time)
            tellAnew(at: time)
            tellHistory()
            sink.endCatchUp()
        }
        if contents.hasUpdateNews { tellUpdates() }
        readable.take(contents.heard, at: time)
        if let other = contents.otherBridge { noteOther(other, at: time) }
        for pending in contents.requests { answer(pending, at: time) }
        if !contents.looks.isEmpty {
            let snapshot = snapshot(at: time)
            for look in contents.looks { look(snapshot) }
        }
        return contents.stopReason
    }

    private func logUndeliverable(_ notice: BrokerLink.Notice, _ broker: String) {
        switch notice {
        case .undeliverable(let topic, let reason):
            log.warning(
                "message dropped: it can never be sent",
                metadata: ["topic": .string(topic), "reason": .string(reason), "broker": .string(broker)])
        case .undeliverableTopics(let count):
            log.warning(
                "messages of further topics can never be sent; until the next connection they are only counted",
                metadata: ["topics": .stringConvertible(count), "broker": .string(broker)])
        case .announcementsOutdated: break
        }
    }
}
