/// Who the device is: frames that agree, and what is forgotten with another one.
extension DeviceSession {
    mutating func receiveSerial(_ raw: RawValue, isRepaired: Bool, at now: Duration) {
        guard let definition = RegisterCatalogue.standard[.serialNumber],
            case .text(let serial)? = try? definition.decode(raw)
        else { return }
        // A digit that was guessed may be right of a name that is known; it makes no new one.
        if isRepaired, !isKnown(serial) { return }
        noteSerial(serial, isText: false, at: now)
        guard isKnown(serial), let place = place(of: .serialNumber, at: now) else { return }
        postpone(place, at: now)
        // The padding behind it may be damaged.
        if case .believe(let confidence) = judge.judge(place, raw, .text(serial), isSolicited: true, at: now) {
            report(.serialNumber, raw, .text(serial), .asked, confidence, at: now)
        }
    }

    private func isKnown(_ serial: String) -> Bool {
        identity.map { DeviceIdentity.isSame(serial, $0.serial) } ?? false
    }

    mutating func noteSerial(_ serial: String, isText: Bool, at now: Duration) {
        if identity != nil {
            if isKnown(serial) {
                evidence = IdentityEvidence()
                if !isText || refusesSerial {
                    judge.noteIdentity(at: now)
                    wantsSerial = false
                }
                if phase == .verifying, !isText || refusesSerial { begin(.polling, at: now) }
                return
            }
            // Another serial: damage, or another device. Nothing leaves until that is clear. Where damage makes one every
            // few minutes, it is another device that is heard twice.
            let isHeardAgain = evidence.frames(with: serial) > 0
            if phase == .polling, isHeardAgain || !judge.isHeavilyDamaged { begin(.verifying, at: now) }
        }
        evidence.note(serial, isText: isText)
        tryToIdentify(at: now)
    }

    mutating func tryToIdentify(at now: Duration) {
        let expectsText = now - opened < Self.listeningTime
        guard let serial = evidence.serial(expectsText: expectsText, refusesHex: refusesSerial) else { return }
        if let identity, !DeviceIdentity.isSame(identity.serial, serial) {
            events.append(.lostIdentity(identity))
            forgetDevice(at: now)
        }
        evidence = IdentityEvidence()
        identity = DeviceIdentity(serial: serial)
        identity?.textLabels = textLabels.confirmed
        judge.noteIdentity(at: now)
        wantsSerial = false
        // What the rest of the identity needs, before the first round.
        questions = [.productID, .get(.capabilities), .ping]
        nextQuestions = now + Self.questionInterval
        if phase != .identifying { begin(.identifying, at: now) }
        completeIdentity()
    }

    mutating func forgetDevice(at now: Duration) {
        identity = nil
        judge.forget()
        productVotes = [:]
        firmwareVotes = FirmwareVotes()
        textLabels = TextLabelVotes()
        memory = DeviceMemory()
        confirmations = []
        demands = []
        demanded = []
        refusesSerial = false
        versionRefused = false
        daySequence = nil
        hasCompletedPass = false
        for index in slots.indices {
            setDue(index, now)
            slots[index].wasAsked = false
            slots[index].failures = 0
            slots[index].doubts = 0
            slots[index].isQueued = false
            slots[index].refusals = 0
            slots[index].telling = .unknown
            slots[index].absentSince = nil
        }
        roundStart = nil
        roundIndex = plannedCount
    }

    mutating func voteProduct(_ id: UInt16) {
        if let known = identity?.productID, known == id {
            // What damage said in the hours before counts no longer.
            if !productVotes.isEmpty { productVotes = [:] }
            return
        }
        if productVotes.count > 8 { productVotes = [:] }
        productVotes[id, default: 0] += 1
        completeIdentity()
    }

    mutating func queue(_ question: Request) {
        if !questions.contains(question) { questions.append(question) }
    }

    /// The product that enough frames agree on and hardly any deny.
    var decidedProduct: UInt16? {
        guard let first = productVotes.max(by: { $0.value < $1.value }), first.value >= judge.necessaryClaims else {
            return nil
        }
        let others = productVotes.reduce(0) { $0 + $1.value } - first.value
        return first.value > 2 * others ? first.key : nil
    }

    /// Product and firmware count when two frames agree.
    mutating func completeIdentity() {
        guard let before = identity else { return }
        if let id = decidedProduct, id != before.productID {
            productVotes = [:]
            identity?.productID = id
            if identity?.model == nil { identity?.model = Product.withID(id)?.model }
            judge.adopt(product: Product.withID(id))
        }
        // Where the product id tells the kind of device, the labels do not matter.
        if before.family == nil, identity?.family == nil { identity?.textLabels = textLabels.confirmed }
        if let version = firmwareVotes.decided, version != before.firmware {
            identity?.firmware = version
            if memory.serial != before.serial || memory.firmware != version {
                memory = DeviceMemory()
                memory.serial = before.serial
                memory.firmware = version
            }
        }
        if let identity, identity != before, phase == .polling { events.append(.identified(identity)) }
    }

    /// Asks for what is still missing of the identity: at first at once, then now and then.
    mutating func askForTheRest(at now: Duration) {
        guard questions.isEmpty, let identity else { return }
        let isFirst = phase == .identifying
        guard isFirst || now >= nextQuestions else { return }
        if !isFirst { nextQuestions = now + Self.questionInterval }
        if identity.firmware == nil, !isFirst || firmwareVotes.needsHex { queue(.ping) }
        if identity.productID == nil, !isFirst || productVotes.values.contains(1) { queue(.productID) }
    }
}

/// Labels of TEXT blocks, each believed when two blocks have it: one could be damage.
struct TextLabelVotes: Sendable {
    private var seen: TextLabels = []
    /// Labels that two blocks had.
    private(set) var confirmed: TextLabels = []

    /// Counts the labels of a block; true if one was confirmed by it.
    mutating func count(_ labels: TextLabels) -> Bool {
        let before = confirmed
        confirmed.formUnion(seen.intersection(labels))
        seen.formUnion(labels)
        return confirmed != before
    }
}
