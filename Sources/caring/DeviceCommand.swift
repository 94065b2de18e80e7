import ArgumentParser
import Care

struct DeviceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device", abstract: "See what devices there are, and say whose they are.",
        subcommands: [
            List.self, Claim.self, Release.self, Move.self, Retire.self, ClaimAnnounced.self, Problems.self, DeviceWatchCommand.self, DeviceTryCommand.self,
            DeviceLintCommand.self, DeviceTableCommand.self,
        ])

    struct List: Saying {
        static let configuration = CommandConfiguration(abstract: "List the devices and whose they are.")
        @Option(help: "Only those of this home.") var home: String?
        @Flag(help: "Only what nobody has claimed: what it seems to be, and when it spoke.") var unclaimed = false
        @OptionGroup var globals: Globals
        var command: Command { .deviceList(home: home, unclaimed: unclaimed) }
    }

    struct Claim: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Say whose a device is; this permits that its readings are stored.",
            discussion: "Example: caring device claim \"zigbee2mqtt/kitchen motion\" --for ada --expected 1h")
        @Argument(help: "The device as device list shows it.") var device: String
        @Option(help: "Its home, where it is not yours.") var home: String?
        @Option(
            name: [.customLong("for"), .customLong("citizen")], parsing: .upToNextOption,
            help: ArgumentHelp("Whose it is; nobody named: yours.", valueName: "citizen"))
        var citizens: [String] = []
        @Option(help: ArgumentHelp("What you call it, e.g. \"bathroom door\".", valueName: "name")) var name: String?
        @Option(help: ArgumentHelp("How often it should be heard from, e.g. 1h.", valueName: "length"))
        var expected: String?
        @OptionGroup var globals: Globals
        var command: Command { .deviceClaim(home: home, device: device, citizens: citizens, expected: expected, title: name) }
    }

    struct Release: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Say that a device is nobody's; its readings are no longer stored.")
        @Argument(help: "The device as device list shows it.") var device: String
        @Option(help: "Its home, where it is not yours.") var home: String?
        @OptionGroup var globals: Globals
        var command: Command { .deviceRelease(home: home, device: device) }
    }

    struct Move: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Give a device to another citizen of the home; its past stays with whom it was about.")
        @Argument(help: "The device as device list shows it.") var device: String
        @Option(help: ArgumentHelp("Whose it is from now on.", valueName: "citizen")) var to: String
        @Option(help: "Its home, where it is not yours.") var home: String?
        @OptionGroup var globals: Globals
        var command: Command { .deviceMove(home: home, device: device, to: to) }
    }

    struct Retire: Saying {
        static let configuration = CommandConfiguration(abstract: "Say that a device is out of use: it is not shown any more, its past stays.")
        @Argument(help: "The device as device list shows it.") var device: String
        @Option(help: "Its home, where it is not yours.") var home: String?
        @OptionGroup var globals: Globals
        var command: Command { .deviceRetire(home: home, device: device) }
    }

    struct ClaimAnnounced: Saying {
        static let configuration = CommandConfiguration(
            commandName: "claim-announced", abstract: "Say whether whatever announces itself in your home is yours without more ado.")
        enum Wish: String, ExpressibleByArgument, CaseIterable { case on, off }
        @Argument(help: "on or off.") var wish: Wish
        @OptionGroup var globals: Globals
        var command: Command { .deviceClaimAnnounced(on: wish == .on) }
    }

    struct Problems: Saying {
        static let configuration = CommandConfiguration(abstract: "List what devices said that was not understood.")
        @Option(help: "Only those of this home.") var home: String?
        @OptionGroup var globals: Globals
        var command: Command { .deviceProblems(home: home) }
    }
}
