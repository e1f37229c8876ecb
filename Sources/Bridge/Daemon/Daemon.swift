public import Logging
import VEDirect

/// The bridge at work: ports in, topics out, on one thread.
public struct Daemon: Sendable {
    /// Where the topics go.
    public enum Output: Sendable {
        /// To the broker of the configuration.
        case broker
        /// Each `topic payload` as a line to this closure.
        case lines(@Sendable (String) -> Void)

        /// Whether it is the broker.
        var isBroker: Bool { if case .broker = self { true } else { false } }
    }

    /// How a run ended.
    public enum Outcome: Sendable, Hashable {
        /// Stopped as asked, or every port was polled once.
        case done
        /// There is no port, or with `once` no device on any of them; the text says what was looked for.
        case nothingToDo(String)
        /// With `once`: a port could not be used or its device not be read in full, or the broker was not reached
        /// or did not take everything; the text says which.
        case failed(String)
    }

    /// With `once`, a port that has not answered by then is given up.
    static let onceLimit: Duration = .seconds(20)
    /// The net under the witnesses of `PortWatcher`.
    static let rescanInterval: Duration = .seconds(10)
    static let settlingTime: Duration = .milliseconds(20)
    /// A broker that has not been reached this long after the last value is given up.
    static let brokerPatience: Duration = .seconds(5)
    /// With `once`, how long the broker may take to acknowledge what was published.
    static let onceFarewell: Duration = .seconds(5)

    private let configuration: Configuration
    private let output: Output
    private let once: Bool
    private let recording: String?
    private let log: Logger
    private let mailbox: Mailbox

    /// A daemon that runs by a configuration.
    ///
    /// - Parameter recording: a folder in which all that was said is written down, for ``replay(_:speed:)``; it must be
    ///   empty or absent.
    public init(
        configuration: Configuration, output: Output, once: Bool, recording: String? = nil, log: Logger,
        mailbox: Mailbox
    ) {
        self.configuration = configuration
        self.output = output
        self.once = once
        self.recording = recording
        self.log = log
        self.mailbox = mailbox
    }

    /// Runs until stopped, with `once` until every port was polled once, with nothing but logs to play until they end.
    public func run() -> Outcome {
        var recorder: Recorder?
        if let recording {
            do {
                recorder = try Recorder(folder: recording, settings: RecordedSettings(configuration))
            } catch {
                return .failed(error.description)
            }
        }
        var loop = BridgeLoop(
            configuration: configuration, output: output, once: once, recorder: recorder, log: log, mailbox: mailbox)
        return loop.run()
    }

    /// Plays a recording into the same stages as the live bytes went through, with the settings of the recording.
    ///
    /// - Parameter speed: how much faster than recorded; nil for as fast as it goes.
    public func replay(_ folder: String, speed: Double?) -> Outcome {
        do {
            let recording = try Recording(folder: folder)
            var configuration = configuration
            recording.settings.apply(to: &configuration)
            var loop = BridgeLoop(
                configuration: configuration, output: output, once: false, recorder: nil, log: log, mailbox: mailbox)
            return loop.replay(recording, speed: speed)
        } catch {
            return .failed(error.description)
        }
    }
}
