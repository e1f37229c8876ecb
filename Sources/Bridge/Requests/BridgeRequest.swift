import Logging
import Update

/// What somebody asks of the bridge on `vebridge/bridge/request/…`. Nothing here can write to a device.
public struct BridgeRequest: Sendable, Equatable {
    /// What is asked.
    public enum Action: Sendable, Equatable {
        /// Log from this level on; `nil` for the ways asks for the topic's.
        case logLevel(Logger.Level, [LogOutlets.Way])
        /// Publish everything that is known once more.
        case republish
        /// Look again at every port and link, and announce every device anew.
        case rediscover
        /// Read one register of a charger now. The device is a serial number or a port; the register is four hex
        /// digits or a name of the register table, as it was written.
        case read(device: String, register: String)
        /// Say how the bridge is.
        case health
        /// Look for an update: at this address, or where the configuration says.
        case update(UpdateAddress?)

        /// The last part of the topic.
        var name: String {
            switch self {
            case .logLevel: "log_level"
            case .republish: "republish"
            case .rediscover: "rediscover"
            case .read: "read"
            case .health: "health"
            case .update: "update"
            }
        }
    }

    /// What is asked.
    public var action: Action
    /// What the asker called this request, JSON as it came; the answer carries it. Nil if it has no name.
    public var transaction: String?

    /// Why something is not a request.
    struct Fault: Error, Equatable {
        var message: String
        var transaction: String?
    }

    static let names = ["log_level", "republish", "rediscover", "read", "health", "update"]
    /// No request is longer.
    static let sizeLimit = 4096

    /// A request.
    public init(_ action: Action, transaction: String? = nil) {
        self.action = action
        self.transaction = transaction
    }

    /// Reads a request.
    ///
    /// - Parameters:
    ///   - name: the last part of the topic.
    ///   - payload: nothing, a word, or a JSON object that may hold a `transaction`.
    init(name: String, payload: [UInt8]) throws(Fault) {
        guard payload.count <= Self.sizeLimit else {
            throw Fault(message: "the request is longer than \(Self.sizeLimit) bytes")
        }
        let text = String(decoding: payload, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        var members = JSONValue.object([])
        var word: String?
        if text.hasPrefix("{") {
            guard let object = JSONValue(payload) else { throw Fault(message: "the request is not JSON") }
            members = object
        } else if let value = JSONValue(payload)?.asText {
            word = value
        } else if !text.isEmpty {
            word = text
        }
        let transaction: String? =
            switch members["transaction"] {
            case .text, .number: members["transaction"]?.json
            default: nil
            }
        self.transaction = transaction
        guard Self.names.contains(name) else {
            let nearest = NearestWord.match(name, among: Self.names).map { "did you mean '\($0)'?" }
            throw Fault(
                message: "unknown request '\(TOMLSource.printable(name))': "
                    + (nearest ?? "there are " + Self.names.joined(separator: ", ")), transaction: transaction)
        }
        do throws(Problem) {
            switch name {
            case "log_level": action = try Self.logLevel(word, members)
            case "read": action = try Self.read(word, members)
            case "republish": action = .republish
            case "rediscover": action = .rediscover
            case "update": action = try Self.update(word, members)
            default: action = .health
            }
        } catch {
            throw Fault(message: error.message, transaction: transaction)
        }
    }

    private static func logLevel(_ word: String?, _ members: JSONValue) throws(Problem) -> Action {
        let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        guard let name = word ?? members["level"]?.asText else {
            throw Problem("a level is missing: send one of \(levels), or {\"level\":\"debug\"}")
        }
        guard let level = Logger.Level(rawValue: name.lowercased()) else {
            throw Problem("'\(TOMLSource.printable(name))' is no level: there are \(levels)")
        }
        guard let output = members["of"]?.asText else { return .logLevel(level, [.mqtt]) }
        if output == "all" { return .logLevel(level, LogOutlets.Way.allCases) }
        guard let way = LogOutlets.Way(rawValue: output) else {
            throw Problem("'of' is local, syslog, mqtt or all, not '\(TOMLSource.printable(output))'")
        }
        return .logLevel(level, [way])
    }

    private static func update(_ word: String?, _ members: JSONValue) throws(Problem) -> Action {
        guard let text = word ?? members["url"]?.asText, text != "look" else { return .update(nil) }
        do throws(UpdateFault) {
            let address = try UpdateAddress(parsing: text)
            // Whoever may publish here need not be somebody who may name files of this machine.
            guard address.isNetwork else { throw UpdateFault("a file is named in the configuration, as update.url") }
            return .update(address)
        } catch {
            throw Problem("'\(TOMLSource.printable(text))': \(error)")
        }
    }

    private static func read(_ word: String?, _ members: JSONValue) throws(Problem) -> Action {
        let words = word?.split(separator: " ").map(String.init) ?? []
        guard let device = members["device"]?.asText ?? words.first,
            let register = members["register"]?.asText ?? (words.count == 2 ? words[1] : nil)
        else {
            throw Problem("send {\"device\":\"HQ2012ABCDE\",\"register\":\"EDBC\"}")
        }
        return .read(device: device, register: register)
    }
}

/// What the bridge answers.
public enum BridgeAnswer: Sendable, Equatable {
    /// It was done; the data are JSON, `{}` where there is nothing to say.
    case done(data: String)
    /// It was not done; in words.
    case failed(String)

    /// The answer as JSON, with the transaction of the request.
    func json(transaction: String?) -> String {
        let tail = transaction.map { ",\"transaction\":\($0)" } ?? ""
        switch self {
        case .done(let data): return "{\"status\":\"ok\",\"data\":\(data)\(tail)}"
        case .failed(let words): return "{\"status\":\"error\",\"error\":\(JSONValue.quoted(words))\(tail)}"
        }
    }
}

/// A request on its way through the bridge, and where its answer goes.
public struct PendingRequest: Sendable {
    /// What is asked.
    public let request: BridgeRequest
    /// Takes the one answer, from any thread.
    public let answer: @Sendable (BridgeAnswer) -> Void
}

/// Reads requests as they come from a broker, does at once what needs nobody else, and hands on the rest.
///
/// `handler` gets what only the loop of the daemon can do. It must not block; false says that it has too much to do.
public struct RequestDesk: Sendable {
    /// Where requests come in, but for their name.
    let prefix: String
    private let answerPrefix: String
    private let outlets: LogOutlets?
    private let allowance = RequestAllowance()
    private let handler: @Sendable (PendingRequest) -> Bool

    /// A desk for the topics below `place`, such as `vebridge/bridge`.
    public init(
        place: String, outlets: LogOutlets?, handler: @escaping @Sendable (PendingRequest) -> Bool
    ) {
        prefix = place + "/request/"
        answerPrefix = place + "/response/"
        self.outlets = outlets
        self.handler = handler
    }

    /// What to subscribe to.
    var filter: String { prefix + "+" }

    /// Takes a message. False if it is no request.
    ///
    /// - Parameter publish: sends the answer: topic and payload.
    func take(
        topic: String, payload: [UInt8], isRetained: Bool, publish: @escaping @Sendable (String, String) -> Void
    ) -> Bool {
        guard topic.hasPrefix(prefix) else { return false }
        let name = String(topic.dropFirst(prefix.count))
        guard !name.isEmpty, !name.contains("/") else { return false }
        // Emptying a retained request takes it away; it asks for nothing.
        if isRetained, payload.isEmpty { return true }
        guard name.utf8.count <= 64 else { return true }
        let place = answerPrefix + name
        switch allowance.take() {
        case .granted: break
        case .refused(let isTold):
            let words = "too many requests: \(RequestAllowance.perSecond) a second, \(RequestAllowance.burst) at once"
            if isTold { publish(place, BridgeAnswer.failed(words).json(transaction: nil)) }
            return true
        }
        let request: BridgeRequest
        do throws(BridgeRequest.Fault) {
            request = try BridgeRequest(name: name, payload: payload)
        } catch {
            publish(place, BridgeAnswer.failed(error.message).json(transaction: error.transaction))
            return true
        }
        let answer: @Sendable (BridgeAnswer) -> Void = { publish(place, $0.json(transaction: request.transaction)) }
        guard !isRetained else {
            answer(.failed("this request is a retained message, which would be done at every connection: send it anew"))
            return true
        }
        if case .logLevel(let level, let ways) = request.action {
            answer(setLevel(level, ways))
        } else if !handler(PendingRequest(request: request, answer: answer)) {
            answer(.failed("too many requests at once"))
        }
        return true
    }

    private func setLevel(_ level: Logger.Level, _ ways: [LogOutlets.Way]) -> BridgeAnswer {
        guard let outlets else { return .failed("the log has a fixed level here") }
        let set = ways.filter { outlets.set(level, of: $0) }
        guard !set.isEmpty else { return .failed("there is no log that goes to \(ways[0].rawValue)") }
        let members = outlets.ways.compactMap { way in
            outlets.level(of: way).map { "\"\(way.rawValue)\":\"\($0.rawValue)\"" }
        }
        return .done(data: "{\(members.joined(separator: ","))}")
    }
}
