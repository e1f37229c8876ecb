import Logging
import VEDirect

extension Daemon {
    /// A device on a port whose serial number is that of a device on another port.
    ///
    /// Mostly it is one device whose plug was moved, and the other port has not noticed yet. If that one still answers,
    /// there are two devices with one serial number, and their values must not mix: the second is not published.
    struct Contender {
        /// As it was found last.
        var identity: DeviceIdentity
        /// When it was found.
        let since: Duration
        /// Whether both are known to answer at the same time.
        var isDuplicate: Bool

        /// An answer of the other port that came so much later was asked for after the plug could have been moved.
        static let proofTime: Duration = .seconds(2)
        /// Pairs of port and serial number that the log has.
        static let maximumWarnings = 256

        /// Whether a reading of the other port shows that its device is still there.
        func isDisproved(by reading: RegisterReading) -> Bool {
            guard reading.provenance == .asked, reading.time >= since else { return false }
            return reading.register == .serialNumber || reading.time - since >= Self.proofTime
        }
    }
}

extension Daemon.BridgeLoop {
    /// Takes a device that was identified on a port into the plant, unless its serial number answers on another port.
    mutating func admit(_ identity: DeviceIdentity, port index: Int, at time: Duration) {
        let serial = plant.key(of: identity.serial) ?? identity.serial
        if ports[index].serial == serial { return adopt(identity, port: index, at: time) }
        if ports[index].contender != nil, ports[index].contender?.identity.serial == identity.serial {
            ports[index].contender?.identity = identity
            return decideContenders(at: time)
        }
        let isDuplicate = serialWarnings.contains(warningKey(serial, index))
        ports[index].contender = Daemon.Contender(identity: identity, since: time, isDuplicate: isDuplicate)
        if isDuplicate { ports[index].trouble = duplicateTrouble(serial, port: index) }
        if let holder = Self.holder(of: serial, in: ports, besides: index), ports[holder].channel == nil {
            ports[holder].supervisor.value.confirmIdentity()
            turns.removeAll(keepingCapacity: true)
        }
        decideContenders(at: time)
    }

    /// A reading may show that the device of a port is still there.
    mutating func checkContenders(_ reading: RegisterReading, port index: Int, at time: Duration) {
        guard ports.contains(where: { $0.contender != nil }) else { return }
        for other in ports.indices where other != index {
            guard let contender = ports[other].contender, !contender.isDuplicate,
                let serial = ports[index].serial, DeviceIdentity.isSame(contender.identity.serial, serial),
                contender.isDisproved(by: reading), isConfident(other)
            else { continue }
            ports[other].contender?.isDuplicate = true
            ports[other].trouble = duplicateTrouble(serial, port: other)
            guard serialWarnings.count < Daemon.Contender.maximumWarnings,
                serialWarnings.insert(warningKey(serial, other)).inserted
            else { continue }
            log.warning(
                """
                two devices have the same serial number: the one on the second port is not published while the first \
                one answers
                """,
                metadata: [
                    "serial": .string(serial), "port": .string(ports[other].path), "first": .string(ports[index].path),
                ])
        }
        decideContenders(at: time)
    }

    /// Lets a device take over its serial number from a port on which it does not answer any more.
    mutating func decideContenders(at time: Duration) {
        for index in ports.indices {
            guard let contender = ports[index].contender else { continue }
            let serial = plant.key(of: contender.identity.serial) ?? contender.identity.serial
            let holder = Self.holder(of: serial, in: ports, besides: index)
            let isFree: Bool
            if let charger = plant.chargers[serial], contender.isDuplicate {
                let isHeld = holder != nil && charger.isAlive
                isFree = !isHeld && time - charger.lastSeen >= ReadableMoment.patience
            } else {
                isFree = holder.map { !isAnswering($0, serial) } ?? true
            }
            guard isFree else { continue }
            if let holder {
                forgetLight(port: holder, at: time)
                ports[holder].serial = nil
                // Should it still be there, it is the second one from now on.
                if let before = plant.chargers[serial]?.identity {
                    ports[holder].contender = Daemon.Contender(
                        identity: before, since: time, isDuplicate: contender.isDuplicate)
                }
            }
            adopt(contender.identity, port: index, at: time)
        }
    }

    private mutating func adopt(_ identity: DeviceIdentity, port index: Int, at time: Duration) {
        ports[index].contender = nil
        noteIdentity(identity, port: index, at: time)
        feed.noteChange(at: time)
        plant.identified(identity, port: ports[index].path, at: time)
        let serial = plant.key(of: identity.serial) ?? identity.serial
        ports[index].serial = serial
        ports[index].trouble = nil
        ports[index].complaint = nil
        publisher.appeared(serial, plant: plant, at: time) { [sink] in sink.publish($0, $1) }
    }

    private func isAnswering(_ index: Int, _ serial: String) -> Bool {
        guard plant.chargers[serial]?.isAlive == true else { return false }
        return isConfident(index)
    }

    /// Whether nothing says that the device of a port has gone. What comes through a multiplexer was proven already.
    private func isConfident(_ index: Int) -> Bool {
        ports[index].channel != nil || ports[index].supervisor.value.isConfident
    }

    private func warningKey(_ serial: String, _ index: Int) -> String { "\(ports[index].path) \(serial)" }

    private func duplicateTrouble(_ serial: String, port index: Int) -> Daemon.PortSlot.Trouble {
        let first = Self.holder(of: serial, in: ports, besides: index).map { ports[$0].path } ?? "another port"
        return .unusable("serial number \(serial) answers on \(first) too")
    }

    /// The other port that a serial number belongs to.
    private static func holder(of serial: String, in ports: [Daemon.PortSlot], besides index: Int) -> Int? {
        ports.indices.first { $0 != index && ports[$0].serial == serial }
    }
}
