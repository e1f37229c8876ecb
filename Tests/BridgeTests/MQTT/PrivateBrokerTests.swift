import Glibc
import Testing

@testable import Bridge

@Suite(.timeLimit(.minutes(1)), .enabled(if: PrivateBroker.find("mosquitto") != nil, "mosquitto is not installed"))
struct PrivateBrokerTests {
    @Test func passesOnWhatMosquittoComplainsOf() throws {
        let failure = #expect(throws: PrivateBroker.Failure.self) {
            _ = try PrivateBroker(.init(lines: ["no_such_setting yes"]))
        }
        #expect(try #require(failure).description.contains("no_such_setting"))
    }

    @Test func leavesNothingBehind() throws {
        var broker: PrivateBroker? = try PrivateBroker()
        let directory = try #require(broker).directory
        #expect(access(directory + "/conf", F_OK) == 0)
        broker = nil
        #expect(access(directory, F_OK) != 0)
    }

    @Test func aFrozenBrokerCanBeStoppedAndRestarted() async throws {
        let broker = try PrivateBroker()
        broker.suspend()
        broker.stop()
        try broker.restart()
        let recorder = EventRecorder()
        let client = MQTTClient(settings: .init(address: broker.address)) { recorder.record($0) }
        try client.start()
        try await recorder.waitForConnection()
        client.stop()
    }

    @Test func eachBrokerHasItsPort() throws {
        let brokers = try (0..<3).map { _ in try PrivateBroker() }
        #expect(Set(brokers.map(\.port)).count == 3)
    }
}
