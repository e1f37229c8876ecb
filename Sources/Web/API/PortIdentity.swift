import Bridge
import NIOCore
import Synchronization

/// What the system knows of the adapter behind a port. Looked up seldom: it does not change while it is plugged in.
struct PortIdentity: Sendable {
    let usbID: String?
    let product: String?
    let serial: String?
    let driver: String?

    private struct Cache {
        var devices: Set<String> = []
        var known: [String: PortIdentity] = [:]
        var time: NIODeadline?
    }

    private static let lifetime: TimeAmount = .seconds(60)
    private static let cache = Mutex(Cache())

    /// By device.
    static func known(for devices: [String]) -> [String: PortIdentity] {
        cache.withLock { cache in
            let wanted = Set(devices)
            if let time = cache.time, .now() - time < lifetime, wanted == cache.devices { return cache.known }
            cache.time = .now()
            cache.devices = wanted
            cache.known = [:]
            guard wanted.contains(where: { $0.hasPrefix("/dev/tty") }) else { return [:] }
            for port in PortInventory.ports() where wanted.contains(port.path) {
                cache.known[port.path] = PortIdentity(
                    usbID: port.usbID, product: port.product, serial: port.serial, driver: port.driver)
            }
            return cache.known
        }
    }
}
