import CMosquitto
import Glibc

/// Why a connection could not be made or ended, with words a person can act on.
struct ConnectionFailure: Error, Equatable {
    let cause: MQTTClient.Cause
    let reason: String

    /// What a call of libmosquitto returned; `code` is errno, read right after the call.
    init(result: Int32, errno code: Int32, address: BrokerAddress, keepalive: Duration) {
        switch result {
        case MOSQ_ERR_KEEPALIVE.rawValue:
            self.init(.timedOut, "\(address) has not answered a ping for \(keepalive)")
        case MOSQ_ERR_CONN_LOST.rawValue, MOSQ_ERR_NO_CONN.rawValue:
            self.init(.closed, "\(address) closed the connection")
        case MOSQ_ERR_INVAL.rawValue:
            self.init(.settings, "the settings for \(address) are not usable: check host and port")
        case MOSQ_ERR_ERRNO.rawValue where code != 0:
            self.init(.other, "\(address): libmosquitto failed: \(String(cString: strerror(code)))")
        default:
            self.init(.other, "\(address): libmosquitto failed: \(String(cString: mosquitto_strerror(result)))")
        }
    }

    init(_ cause: MQTTClient.Cause, _ reason: String) {
        self.cause = cause
        self.reason = reason
    }

    /// An error of `connect`, `read` or `write`.
    init(system code: Int32, address: BrokerAddress) {
        switch code {
        case ECONNREFUSED:
            self.init(.refused, "connection refused by \(address): no broker listens there")
        case ETIMEDOUT:
            self.init(.timedOut, "no answer from \(address)")
        case EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN, EADDRNOTAVAIL:
            self.init(.unreachable, "\(address) cannot be reached: \(String(cString: strerror(code)))")
        case ECONNRESET, EPIPE, ECONNABORTED:
            self.init(.closed, "\(address) closed the connection")
        default:
            self.init(.other, "\(address): \(String(cString: strerror(code)))")
        }
    }

    /// A code of `getaddrinfo`.
    init(resolver code: Int32, address: BrokerAddress) {
        switch code {
        case EAI_NONAME, -5:  // -5 is EAI_NODATA, the name exists without an address; not in POSIX.
            self.init(.hostNotFound, "host name not found: \(address.host)")
        case EAI_AGAIN:
            self.init(.hostNotFound, "host name not found: \(address.host) (the name server does not answer)")
        default:
            self.init(.hostNotFound, "host name not found: \(address.host) (\(String(cString: gai_strerror(code))))")
        }
    }

    /// A failed handshake or a broken encrypted connection, with OpenSSL's reason.
    init(tls text: String, address: BrokerAddress) {
        // What people meet most, in words that say what to do.
        let hint: String
        if text.contains("certificate verify failed") {
            hint = ": the broker's certificate is not signed by a trusted authority, or has expired"
        } else if text.contains("host name verification failed") {
            hint = ": the broker's certificate does not name \(address.host)"
        } else if text.contains("wrong version number") || text.contains("packet length too long") {
            hint = ": the port does not speak TLS"
        } else if text.contains("unexpected eof") {
            hint = ": it closed the connection during the handshake (does the port speak TLS?)"
        } else if text.contains("protocol version") || text.contains("unsupported protocol") {
            hint = ": the broker speaks no version from TLS 1.2 up"
        } else {
            hint = ""
        }
        self.init(.tls, "TLS with \(address) failed\(hint) (\(text))")
    }

    /// The peer closed the connection instead of answering.
    init(closedBeforeAnswer address: BrokerAddress) {
        let hint = address.tls ? " (does the port speak TLS?)" : address.port == 8883 ? " (it may want TLS)" : ""
        self.init(.closed, "\(address) closed the connection before it answered\(hint)")
    }

    /// A refusal in the broker's answer to the connection: the reason code of MQTT 5 (0x80 and up) or the return code
    /// of 3.1.1 (1 to 5).
    init(refusal code: Int32, address: BrokerAddress, hasUsername: Bool, clientID: String) {
        switch code {
        case 1, 0x84:
            self.init(.version, "\(address) does not speak this version of MQTT")
        case 2, 0x85:
            self.init(.rejected, "\(address) does not accept the client id '\(clientID)'")
        case 3, 0x88:
            self.init(.rejected, "\(address) is not available at present")
        case 4, 5, 0x86, 0x87:
            self.init(
                .notAuthorised,
                hasUsername
                    ? "not authorised: wrong user name or password for \(address)"
                    : "not authorised: \(address) wants a user name and password")
        case 0x89:
            self.init(.rejected, "\(address) is busy")
        case 0x9A:
            self.init(.willRetain, "\(address) does not accept a retained will")
        case 0x9B:
            self.init(.willQoS, "\(address) does not accept a will of this quality of service")
        case 0x8A:
            self.init(.notAuthorised, "not authorised: \(address) has banned this client")
        default:
            self.init(.rejected, "\(address) refused: \(String(cString: mosquitto_reason_string(code)))")
        }
    }

    /// No acknowledgement came for too long.
    init(unacknowledged count: Int, for timeout: Duration) {
        let (seconds, attoseconds) = timeout.components
        let time = seconds > 0 ? "\(seconds) s" : "\(attoseconds / 1_000_000_000_000_000) ms"
        self.init(.unacknowledged, "broker does not acknowledge messages: \(count) unconfirmed for \(time)")
    }

    /// The reason in a DISCONNECT that the broker sent (MQTT 5).
    init(disconnect code: Int32, address: BrokerAddress, clientID: String) {
        switch code {
        case 0:
            self.init(.closed, "\(address) ended the connection")
        case 0x8B:
            self.init(.closed, "\(address) is shutting down")
        case 0x8E:
            self.init(.takenOver, "another client connected to \(address) with our client id '\(clientID)'")
        case 0x87:
            self.init(.notAuthorised, "not authorised: \(address) ended the connection")
        default:
            self.init(
                .closed, "\(address) ended the connection: \(String(cString: mosquitto_reason_string(code)))")
        }
    }
}
