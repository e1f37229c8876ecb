import Bridge
import Glibc
import Simulation

/// A simulated bridge by Bluetooth beside the simulated chargers, and the comparison of both.
struct DemoCompare {
    let host: ChargerHost
    let broker: PrivateBroker
    let length: String?

    func run() throws {
        let air: Air
        do {
            air = Air(host, MQTTClient(settings: .init(address: broker.address, clientID: "ble-bridge")) { _ in })
            try air.start()
        } catch {
            Terminal.complain("\(error)")
            throw Status.failed.exit
        }
        defer { air.stop() }
        let ports = host.paths.compactMap { $0 }
        var words = ["--broker", "mqtt://127.0.0.1:\(broker.port)", "--ports"] + ports
        if let length { words += ["--for", length] }
        Terminal.complain("a simulated Bluetooth bridge publishes on mqtt://127.0.0.1:\(broker.port)")
        let command = try CompareCommand.parse(words)
        try command.run()
    }

    /// The simulated bridge on a thread of its own.
    private final class Air: Sendable {
        private let host: ChargerHost
        private let client: MQTTClient
        private let end = Mailbox()
        private let done = Mailbox()

        init(_ host: ChargerHost, _ client: MQTTClient) {
            self.host = host
            self.client = client
        }

        func start() throws {
            try client.start()
            var thread = pthread_t()
            let context = Unmanaged.passRetained(self)
            let code = pthread_create(
                &thread, nil,
                { context in
                    guard let context else { return nil }
                    Unmanaged<Air>.fromOpaque(context).takeRetainedValue().publish()
                    return nil
                }, context.toOpaque())
            guard code == 0 else {
                context.release()
                throw Status.failed.exit
            }
            pthread_detach(thread)
        }

        func stop() {
            end.stop(reason: "the demo ends")
            _ = done.waitForStop(.seconds(2))
            client.stop()
        }

        private func publish() {
            var bridge = BluetoothBridge()
            let begin = ContinuousClock.now
            while end.waitForStop(.milliseconds(50)) == nil {
                for message in bridge.publish(host.plant.chargers, at: ContinuousClock.now - begin) {
                    _ = client.publish(message.topic, message.payload, qos: 1, retain: false)
                }
            }
            done.stop(reason: "ended")
        }
    }
}
