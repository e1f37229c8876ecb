import NIOCore

/// How long is waited for whom.
struct Patience: Sendable {
    /// A request that is not whole by then is not waited for.
    var head: TimeAmount = .seconds(10)
    /// An answer that has not left by then is given up with its connection.
    var answer: TimeAmount = .seconds(20)
    /// A large answer has more time: so many bytes a second are asked of a client.
    var slowestRate = 32_768
    /// How long a connection is kept for another request.
    var idle: TimeAmount = .seconds(30)
    /// How long the answer to a wrong password takes.
    var wrongPassword: TimeAmount = .milliseconds(500)
    /// How long an address waits that tried too many wrong passwords; longer after each further one.
    var firstLock: TimeAmount = .seconds(10)
    /// An open page that takes nothing for so long is closed.
    var listener: TimeAmount = .seconds(20)
    /// A bridge that has not answered by then hangs.
    var bridge: TimeAmount = .seconds(3)
}
