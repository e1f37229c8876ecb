import VEDirect

/// A register that somebody waits for.
struct PendingRead {
    /// The number of the port.
    let port: Int
    let register: RegisterID
    let deadline: Duration
    let request: PendingRequest
}

/// Why a register was not read.
struct ReadFailure: Error {
    /// In words for the asker.
    let words: String

    /// The device says that it does not have it.
    static let refused = ReadFailure(words: "the device does not have this register")
}

extension Daemon {
    /// A register that has no believable value after this long has none for the asker. At night and on bad lines it takes
    /// some seconds.
    static let readLimit: Duration = .seconds(8)
    /// Readings that are waited for, of all devices together.
    static let maximumReads = 16
}

extension Daemon.BridgeLoop {
    /// Has a register read out of turn. It is asked for and judged like any other; nothing can be written.
    mutating func beginRead(
        device: String, register text: String, _ request: PendingRequest, at time: Duration
    ) throws(ReadFailure) {
        let printable = TOMLSource.printable
        guard let register = RegisterCatalogue.standard.register(named: text) else {
            let names = RegisterCatalogue.standard.definitions.map(\.name)
            let nearest = NearestWord.match(text, among: names).map { "did you mean \($0)?" }
            throw ReadFailure(
                words: "unknown register '\(printable(text))': "
                    + (nearest ?? "write four hex digits, or a name of the register table"))
        }
        if let definition = RegisterCatalogue.standard[register],
            definition.kind == .command || definition.access == .writeOnly
        {
            throw ReadFailure(words: "\(definition.name) (\(register)) is there to be written: it is never asked for")
        }
        guard let index = Self.find(device, in: ports) else {
            let known = ports.compactMap(\.serial).sorted().joined(separator: ", ")
            throw ReadFailure(
                words: "no charger '\(printable(device))' answers here: "
                    + (known.isEmpty ? "there is none" : "there are \(known)"))
        }
        guard reads.count < Daemon.maximumReads else { throw ReadFailure(words: "too many requests at once") }
        guard demand(register, port: index) else {
            throw ReadFailure(words: "\(printable(device)) does not answer at present, or is asked too much at once")
        }
        // In the dark it would be asked with the next look.
        if ports[index].nextLook != nil { ports[index].nextLook = time }
        reads.append(
            PendingRead(
                port: ports[index].number, register: register, deadline: time + Daemon.readLimit, request: request))
    }

    private func demand(_ register: RegisterID, port index: Int) -> Bool {
        guard let channel = ports[index].channel else { return ports[index].supervisor.value.demand(register) }
        return multiplexers[channel.multiplexer].supervisor.demand(register, channel: channel.number)
    }

    private func withdrawDemand(_ register: RegisterID, port index: Int) {
        guard let channel = ports[index].channel else { return ports[index].supervisor.value.withdrawDemand(register) }
        multiplexers[channel.multiplexer].supervisor.withdrawDemand(register, channel: channel.number)
    }

    private static func find(_ device: String, in ports: [Daemon.PortSlot]) -> Int? {
        ports.firstIndex { port in
            guard let serial = port.serial else { return false }
            return DeviceIdentity.isSame(serial, device) || port.path == device || port.port.device == device
        }
    }

    /// A register was read, or the device said that it does not have it.
    mutating func settleReads(
        of register: RegisterID, _ result: Result<RegisterReading, ReadFailure>, port index: Int
    ) {
        guard !reads.isEmpty else { return }
        // What came unasked is older than the request.
        if case .success(let reading) = result, reading.provenance == .async { return }
        let number = ports[index].number
        let waiting = reads.filter { $0.port == number && $0.register == register }
        guard !waiting.isEmpty else { return }
        reads.removeAll { $0.port == number && $0.register == register }
        withdrawDemand(register, port: index)
        let answer: BridgeAnswer =
            switch result {
            case .success(let reading):
                .done(data: reading.json(serial: ports[index].serial ?? "", port: ports[index].path))
            case .failure(let failure): .failed(failure.words)
            }
        for read in waiting { read.request.answer(answer) }
    }

    /// Gives up what was waited for too long.
    mutating func expireReads(at time: Duration) {
        while let first = reads.first, time >= first.deadline {
            reads.removeFirst()
            if let index = ports.firstIndex(where: { $0.number == first.port }) {
                withdrawDemand(first.register, port: index)
            }
            first.request.answer(
                .failed("no value that could be confirmed within \(Daemon.readLimit.components.seconds) s"))
        }
    }
}

extension RegisterReading {
    /// The reading as an asker gets it: number, bytes, and what they mean by the register table.
    func json(serial: String, port: String) -> String {
        let definition = RegisterCatalogue.standard[register]
        var members = [
            ("serial", JSONValue.quoted(serial)), ("port", JSONValue.quoted(port)),
            ("register", JSONValue.quoted(register.hex)),
        ]
        if let definition { members.append(("name", JSONValue.quoted(definition.name))) }
        members.append(("data", JSONValue.quoted(raw.hex)))
        switch value {
        case .number(let number, let scaled):
            members.append(("value", JSONText.number(scaled)))
            if number >= 0, let label = definition?.label(of: UInt64(number)), !label.isEmpty {
                members.append(("label", JSONValue.quoted(label)))
            }
        case .text(let text): members.append(("value", JSONValue.quoted(text)))
        case .notAvailable: members.append(("value", "null"))
        // Records and unknown registers are their bytes.
        case .historyDay, .historyTotal, .bytes: break
        }
        if let unit = definition?.unit, !unit.isEmpty { members.append(("unit", JSONValue.quoted(unit))) }
        members.append(("confidence", JSONValue.quoted(confidence.rawValue)))
        return JSONText.object(members)
    }
}
