import Testing
import VEDirect

@testable import Bridge

@Suite("Light on the panels")
struct PanelLightTests {
    private var light = PanelLight(patience: .seconds(300))

    /// Readings in hundredths, as on the wire. True where one of them made a difference.
    private mutating func note(
        panel: Int? = nil, power: Int? = nil, battery: Int? = nil, at seconds: Int
    ) throws -> Bool {
        var hasChanged = false
        let time: Duration = .seconds(seconds)
        if let battery {
            let changed = light.note(try .of(.chargerVoltage, wire(battery, 2), at: time))
            hasChanged = hasChanged || changed
        }
        if let power {
            let changed = light.note(try .of(.panelPower, wire(power, 4), at: time))
            hasChanged = hasChanged || changed
        }
        if let panel {
            let changed = light.note(try .of(.panelVoltage, wire(panel, 2), at: time))
            hasChanged = hasChanged || changed
        }
        return hasChanged
    }

    @Test("goes when the voltage has been below the battery's for a while and there is no power")
    mutating func dusk() throws {
        #expect(try !note(panel: 1200, power: 0, battery: 1280, at: 0))
        #expect(try !note(panel: 900, at: 299))
        #expect(!light.isDark)
        #expect(try note(panel: 100, at: 300))
        #expect(light.isDark)
    }

    @Test("comes with the first power, or a voltage above the battery's by a margin, and at once")
    mutating func dawn() throws {
        _ = try note(panel: 100, power: 0, battery: 1280, at: 0)
        #expect(try note(panel: 100, at: 400))
        // Between the two thresholds it stays what it was: a street lamp, the moon.
        #expect(try !note(panel: 1470, at: 500))
        #expect(light.isDark)
        #expect(try note(panel: 1480, at: 501))
        #expect(!light.isDark)
        #expect(try !note(panel: 100, at: 510))
        #expect(try note(panel: 100, at: 811))
        #expect(try note(power: 1, at: 812))
        #expect(!light.isDark)
    }

    @Test("is not lost by a cloud, nor by a charger that is switched off in the sun")
    mutating func day() throws {
        _ = try note(panel: 1000, power: 0, battery: 1280, at: 0)
        // A moment of light begins the time anew.
        #expect(try !note(panel: 1300, at: 200))
        #expect(try !note(panel: 1000, at: 301))
        #expect(try !note(panel: 1000, at: 600))
        #expect(try note(panel: 1000, at: 601))
        var sunny = PanelLight(patience: .seconds(300))
        _ = sunny.note(try .of(.chargerVoltage, wire(1280, 2), at: .zero))
        _ = sunny.note(try .of(.panelPower, wire(0, 4), at: .zero))
        for second in stride(from: 0, to: 4000, by: 10) {
            let changed = sunny.note(try .of(.panelVoltage, wire(4200, 2), at: .seconds(second)))
            #expect(!changed)
        }
    }

    @Test("is not judged where something is not known")
    mutating func unknown() throws {
        _ = try note(panel: 0, power: 0, at: 0)
        #expect(try !note(panel: 0, at: 900))
        #expect(try !note(battery: 1280, at: 900))
        #expect(try note(panel: 0, at: 1200))
        // The charger no longer says what the panel has.
        #expect(try note(panel: 0xFFFF, at: 1210))
        #expect(!light.isDark)
    }

    @Test("by night the plan is slower, and never faster than by day")
    func plan() {
        let plan = PollPlan(fastInterval: .seconds(1), slowInterval: .seconds(10))
        #expect(plan.atNight(.seconds(15)).fastInterval == .seconds(15))
        #expect(plan.atNight(.seconds(15)).slowInterval == .seconds(60))
        #expect(plan.atNight(.milliseconds(500)) == plan)
        #expect(plan.atNight(.seconds(15)).settingsInterval == plan.settingsInterval)
    }

    @Test("looks in the dark fall on the same moments for all")
    func moments() {
        #expect(NightWatch.moment(.seconds(1), after: .milliseconds(1)) == .seconds(1))
        #expect(NightWatch.moment(.seconds(1), after: .milliseconds(999)) == .seconds(1))
        #expect(NightWatch.moment(.seconds(1), after: .seconds(1)) == .seconds(2))
    }

    @Test("values of a charger in the dark may be older")
    func lifetimes() throws {
        var plant = Plant(
            freshness: {
                var configuration = Configuration()
                configuration.poll.night = .seconds(20)
                return Freshness(configuration)
            }())
        plant.lifetimes[.panelPower] = .seconds(33)
        plant.nightLifetimes[.panelPower] = .seconds(90)
        plant.add("HQ2012ABCDE")
        try plant.read(.panelPower, 100, 4, of: "HQ2012ABCDE", at: .zero)
        #expect(plant.payload(.panelPower, "HQ2012ABCDE", at: .seconds(40)) == nil)
        #expect(plant.picture(at: .seconds(40)).solarPower?.isStale == true)
        plant.noted(isDark: true, serial: "HQ2012ABCDE")
        #expect(plant.payload(.panelPower, "HQ2012ABCDE", at: .seconds(40)) == "100")
        #expect(plant.picture(at: .seconds(40)).solarPower?.isStale == false)
        #expect(plant.picture(at: .seconds(70)).solarPower?.isStale == true)
    }
}

@Suite("Sleep of the machine")
struct HostSleepTests {
    @Test("is what one clock ran ahead of the other")
    func gap() {
        var sleep = HostSleep()
        let (continuous, suspending) = (ContinuousClock.now, SuspendingClock.now)
        let first = sleep.look(continuous, suspending)
        let awake = sleep.look(continuous + .seconds(60), suspending + .seconds(60))
        let short = sleep.look(continuous + .seconds(62), suspending + .seconds(61))
        let night = sleep.look(continuous + .seconds(3702), suspending + .seconds(62))
        let after = sleep.look(continuous + .seconds(3703), suspending + .seconds(63))
        #expect(first == nil && awake == nil && short == nil && after == nil)
        #expect(night == .seconds(3639))
    }
}
