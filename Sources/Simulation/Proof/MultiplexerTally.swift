/// What came of a proof of multiplexers. Tallies of several runs add up.
public struct MultiplexerTally: Sendable {
    /// What a reader without fences made of the same bytes: it believes what comes after a switch and a settle time.
    public struct Unfenced: Sendable, Hashable {
        /// Answers and unasked frames that it believed.
        public var readings = 0
        /// Of those, values that the selected channel's charger did not hold.
        public var wrongValues = 0
    }

    /// Virtual time of all runs together.
    public var duration: Duration = .zero
    /// Runs.
    public var sessions = 0
    /// How often another channel was selected.
    public var switches = 0
    /// Readings that left, each under the serial number of its channel.
    public var readings = 0
    /// Of those, values that another charger held and this one did not in the seconds before.
    public var misattributed = 0
    /// Of those, values that nobody held.
    public var wrongValues = 0
    /// Serial numbers that no charger has.
    public var phantoms = 0
    /// Chargers that were never identified, although some time passed.
    public var unidentified = 0
    /// The longest time without a reading of a charger, moments of stuck lines and moved plugs included.
    public var longestGap: Duration = .zero
    /// Turns in order, turns without an answer, turns in which another channel's charger answered, and turns whose end
    /// nobody vouched for.
    public var goodTurns = 0
    /// Turns without an answer.
    public var silentTurns = 0
    /// Turns in which another channel's charger answered.
    public var foreignTurns = 0
    /// Turns whose end nobody vouched for.
    public var brokenTurns = 0
    /// Readings of those, which were dropped.
    public var droppedReadings = 0
    /// Times that a stuck line was told.
    public var complaints = 0
    /// Times that a line got stuck.
    public var stuckTimes = 0
    /// Times that plugs changed places.
    public var swapTimes = 0
    /// Bytes that the host got.
    public var bytes = 0
    /// Bytes that arrived after the switch and were said before it.
    public var residue = 0
    /// A reader without fences on the same bytes.
    public var unfenced = Unfenced()
    /// The first few wrong readings in words.
    public var examples: [String] = []

    /// Nothing counted.
    public init() {}

    /// Whether nothing untrue left.
    public var isTrue: Bool { misattributed == 0 && wrongValues == 0 && phantoms == 0 }

    /// Adds what came of other runs.
    public mutating func add(_ other: MultiplexerTally) {
        duration += other.duration
        sessions += other.sessions
        switches += other.switches
        readings += other.readings
        misattributed += other.misattributed
        wrongValues += other.wrongValues
        phantoms += other.phantoms
        unidentified += other.unidentified
        longestGap = max(longestGap, other.longestGap)
        goodTurns += other.goodTurns
        silentTurns += other.silentTurns
        foreignTurns += other.foreignTurns
        brokenTurns += other.brokenTurns
        droppedReadings += other.droppedReadings
        complaints += other.complaints
        stuckTimes += other.stuckTimes
        swapTimes += other.swapTimes
        bytes += other.bytes
        residue += other.residue
        unfenced.readings += other.unfenced.readings
        unfenced.wrongValues += other.unfenced.wrongValues
        examples = Array((examples + other.examples).prefix(Self.maximumExamples))
    }

    static let maximumExamples = 20

    mutating func note(_ example: String) {
        if examples.count < Self.maximumExamples { examples.append(example) }
    }
}
