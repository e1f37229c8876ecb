import Glibc
import Synchronization

/// Threads that take runs from a common counter and keep what came of them.
final class ProofCrew<Tally: Sendable>: Sendable {
    private struct State: Sendable {
        var next = 0
        var tallies: [Int: Tally] = [:]
    }

    private let sessions: Int
    private let work: @Sendable (Int) -> Tally
    private let progress: @Sendable (Tally) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - sessions: how many runs.
    ///   - progress: called with what came of each run, on any of the threads, one call at a time.
    ///   - work: a run, by its number.
    init(
        sessions: Int, progress: @escaping @Sendable (Tally) -> Void, work: @escaping @Sendable (Int) -> Tally
    ) {
        self.sessions = sessions
        self.progress = progress
        self.work = work
    }

    /// Runs all and gives what came of each, in the order of their numbers whatever the threads did.
    func run(threads count: Int) -> [Tally] {
        var threads: [pthread_t] = []
        for _ in 1..<max(1, count) {
            var thread = pthread_t()
            let crew: any Labouring = self
            let this = Unmanaged.passRetained(Hand(crew))
            let code = pthread_create(
                &thread, nil,
                { argument in
                    if let argument { Unmanaged<Hand>.fromOpaque(argument).takeRetainedValue().crew.labour() }
                    return nil
                }, this.toOpaque())
            if code == 0 { threads.append(thread) } else { this.release() }
        }
        labour()
        for thread in threads { pthread_join(thread, nil) }
        return state.withLock { state in state.tallies.keys.sorted().compactMap { state.tallies[$0] } }
    }
}

extension ProofCrew: Labouring {
    func labour() {
        while true {
            let index = state.withLock { state -> Int? in
                guard state.next < sessions else { return nil }
                defer { state.next += 1 }
                return state.next
            }
            guard let index else { return }
            let tally = work(index)
            state.withLock { state in
                state.tallies[index] = tally
                progress(tally)
            }
        }
    }
}

/// What a thread does; a C function cannot know the type of the tally.
private protocol Labouring: Sendable {
    func labour()
}

private final class Hand: Sendable {
    let crew: any Labouring
    init(_ crew: any Labouring) { self.crew = crew }
}
