/// What this machine is called.
public enum SystemName {
    /// The name of the host; empty if the system does not tell.
    public static var host: String { TopicSink.hostName }
}
