import Glibc
import History
import HistoryScenarios

/// The proofs that take long, and the victim of the ones that kill: a program of the tests, not for users.
@main
struct HistoryProof {
    static func main() throws {
        let arguments = CommandLine.arguments
        switch arguments.dropFirst().first {
        case "year":
            try year(days: Double(arguments.count > 3 ? arguments[3] : "365") ?? 365, directory: arguments[2])
        case "size":
            try BigYear.run(directory: arguments[2], days: Int(arguments.count > 3 ? arguments[3] : "365") ?? 365)
        case "time":
            try BigYear.time(directory: arguments[2], days: Int(arguments.count > 3 ? arguments[3] : "365") ?? 365)
        case "writer":
            let begin = Double(arguments[3]) ?? 0
            KillProof.write(directory: arguments[2], from: begin)
        case "full":
            FaultyDisk.fill(directory: arguments[2])
        case "readonly":
            FaultyDisk.forbid(directory: arguments[2])
        case "kill":
            let count = Int(arguments.count > 3 ? arguments[3] : "200") ?? 200
            let report = try KillProof.run(program: arguments[0], directory: arguments[2], count: count, seed: 42)
            say("\(report)")
            if !report.isGood { exit(1) }
        case "daemon":
            let report = try DaemonKillProof.run(
                program: arguments[2], directory: arguments[3],
                count: Int(arguments.count > 4 ? arguments[4] : "200") ?? 200, seed: 42
            ) { say($0) }
            say("\(report)")
            if !report.isGood { exit(1) }
        default:
            say("HistoryProof daemon VEBRIDGE DIRECTORY [TIMES]")
            say("HistoryProof year DIRECTORY [DAYS] | size DIRECTORY [DAYS] | kill DIRECTORY [TIMES]")
            exit(2)
        }
    }

    static func say(_ text: String) {
        print(text)
        fflush(nil)
    }

    static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    static func year(days: Double, directory: String) throws {
        let scenario = YearScenario(days: days)
        let begin = seconds()
        let path = directory + "/" + HistoryStore.fileName
        var run = scenario.run(interval: 5, truthStep: 2.5, path: path) { say("log: \($0.severity) \($0.text)") }
        run.run(days: days)
        run.finish()
        say("simulated \(days) days, \(run.samples) samples, in \(seconds() - begin) s")
        let store = try HistoryStore.read(at: path, zone: scenario.zone)
        let verdict = try scenario.verdict(run, store)
        for line in verdict.details.prefix(60) { say(line) }
        for (name, error) in verdict.energyErrors.sorted(by: { $0.key < $1.key }) {
            say("energy \(name): worst day \(percent(error.worstDay)), sum \(percent(error.sum))")
        }
        for (name, error) in verdict.timeErrors.sorted(by: { $0.key < $1.key }) {
            let each = verdict.errorsByChange[name].map { ", \($0) s a change" } ?? ""
            say("time \(name): \(error) s, \(verdict.timeCounts[name] ?? (0, 0))\(each)")
        }
        say("too short to be seen: \(verdict.unclear.count)")
        for text in verdict.unclear.prefix(20) { say(text) }
        for finding in verdict.findings { say("finding: \(finding)") }
        say("days \(verdict.days), missing \(verdict.missingDays)")
        say("size \(try store.size())")
    }

    static func percent(_ share: Double) -> String { "\((share * 1_000_00).rounded() / 1000) %" }
}
