import Glibc

/// How simulated days run against real time.
public struct SolarClock: Sendable {
    /// Simulated seconds that pass in one second.
    public let speed: Double
    /// The time of day at time zero, in seconds after midnight.
    public let start: Double

    /// A clock that shows `startHour` (0 ..< 24, solar time) at time zero and runs a day in `dayLength`.
    public init(startHour: Double = 10, dayLength: Duration = .seconds(86_400)) {
        precondition(dayLength > .zero, "a day takes time")
        speed = 86_400 / dayLength.inSeconds
        start = startHour * 3600
    }

    /// Simulated seconds since the first midnight.
    public func seconds(at time: Duration) -> Double { start + time.inSeconds * speed }
}

/// Sun and clouds over one place: the irradiance is a function of time alone, so that every charger of a plant sees
/// the same sky and steps of any size give the same day.
public struct Sky: Sendable {
    /// Degrees north.
    public var latitude: Double
    /// Day of the year at the first midnight, 1…365.
    public var dayOfYear: Double
    /// 0: no cloud at all; 1: overcast most of the time.
    public var cloudiness: Double
    private let seed: UInt64

    /// A sky; equal seeds give equal clouds.
    public init(latitude: Double = 48, dayOfYear: Int = 172, cloudiness: Double = 0.4, seed: UInt64 = 1) {
        self.latitude = latitude
        self.dayOfYear = Double(dayOfYear)
        self.cloudiness = min(max(cloudiness, 0), 1)
        self.seed = seed
    }

    /// The sun's height over the horizon in degrees, at `seconds` after the first midnight (solar time).
    public func elevation(at seconds: Double) -> Double {
        let day = dayOfYear + seconds / 86_400
        let declination = 23.45 * Self.radians * sin(2 * .pi * (284 + day) / 365)
        let hourAngle = 2 * .pi * (seconds / 86_400 - 0.5)
        let height =
            sin(latitude * Self.radians) * sin(declination)
            + cos(latitude * Self.radians) * cos(declination) * cos(hourAngle)
        return asin(min(max(height, -1), 1)) / Self.radians
    }

    /// What a panel gets, in W/m²: 0 in the dark, about 1000 under a clear noon.
    public func irradiance(at seconds: Double) -> Double {
        let elevation = elevation(at: seconds)
        guard elevation > -4 else { return 0 }
        // Some light comes before the sun does.
        let twilight = 6 * min(1, (elevation + 4) / 4)
        guard elevation > 0 else { return twilight * twilight / 6 }
        let clear = 1050 * pow(sin(elevation * Self.radians), 1.15)
        return (clear + twilight) * transmission(at: seconds)
    }

    /// The share of the light that comes through, 0.12…1.
    func transmission(at seconds: Double) -> Double {
        guard cloudiness > 0 else { return 1 }
        // Weather changes over hours; a cloud passes in a minute or two and its edge in seconds.
        let weather = noise(seconds / 7200, layer: 1)
        let cover = min(1, cloudiness * (0.4 + 1.2 * weather))
        let cloud = 0.6 * noise(seconds / 140, layer: 2) + 0.4 * noise(seconds / 37, layer: 3)
        let edge = (cloud - (1 - cover)) / 0.06
        return 1 - 0.88 * (0.25 + 0.75 * weather) * Self.smooth(edge)
    }

    /// Smooth noise in 0…1, one independent value a unit.
    private func noise(_ position: Double, layer: UInt64) -> Double {
        let cell = position.rounded(.down)
        let left = value(Int64(cell), layer: layer)
        let right = value(Int64(cell) + 1, layer: layer)
        return left + (right - left) * Self.smooth(position - cell)
    }

    private func value(_ cell: Int64, layer: UInt64) -> Double {
        SeededRandom.unit(SeededRandom.mix(SeededRandom.mix(seed &+ layer) &+ UInt64(bitPattern: cell)))
    }

    private static func smooth(_ position: Double) -> Double {
        let position = min(max(position, 0), 1)
        return position * position * (3 - 2 * position)
    }

    private static let radians = Double.pi / 180
}

/// The panels on one charger.
public struct PanelArray: Sendable {
    /// Power under full sun, W.
    public var peakPower: Double
    /// Voltage without a load under full sun, V.
    public var openCircuitVoltage: Double

    /// Panels.
    public init(peakPower: Double, openCircuitVoltage: Double) {
        self.peakPower = peakPower
        self.openCircuitVoltage = openCircuitVoltage
    }

    /// Voltage without a load at an irradiance in W/m².
    func idleVoltage(at irradiance: Double) -> Double {
        guard irradiance > 0 else { return 0.01 }
        let light = irradiance / (irradiance + 1.5)
        return max(0.01, openCircuitVoltage * light * (1 + 0.035 * log((irradiance + 1) / 1000)))
    }

    /// The most it gives at an irradiance in W/m², in W.
    func power(at irradiance: Double) -> Double { max(0, peakPower * (irradiance - 2) / 1000) }
}
