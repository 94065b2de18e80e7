import ArgumentParser
import Care

struct DeviceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "device", abstract: "See what devices there are, and say whose they are.",
        subcommands: [List.self, Claim.self, Release.self, Problems.self])

    struct List: Saying {
        static let configuration = CommandConfiguration(abstract: "List the devices and whose they are.")
        @Option(help: "Only those of this home.") var home: String?
        @OptionGroup var globals: Globals
        var command: Command { .deviceList(home: home) }
    }

    struct Claim: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Say whose a device is; this permits that its readings are stored.",
            discussion: "Example: caring device claim \"zigbee2mqtt/kitchen motion\" --for ada --expected 1h")
        @Argument(help: "The device as device list shows it.") var device: String
        @Option(help: "Its home, where it is not yours.") var home: String?
        @Option(
            name: .customLong("for"), parsing: .upToNextOption,
            help: ArgumentHelp("Whose it is; nobody named: yours.", valueName: "citizen"))
        var citizens: [String] = []
        @Option(help: ArgumentHelp("How often it should be heard from, e.g. 1h.", valueName: "length"))
        var expected: String?
        @OptionGroup var globals: Globals
        var command: Command { .deviceClaim(home: home, device: device, citizens: citizens, expected: expected) }
    }

    struct Release: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Say that a device is nobody's; its readings are no longer stored.")
        @Argument(help: "The device as device list shows it.") var device: String
        @Option(help: "Its home, where it is not yours.") var home: String?
        @OptionGroup var globals: Globals
        var command: Command { .deviceRelease(home: home, device: device) }
    }

    struct Problems: Saying {
        static let configuration = CommandConfiguration(abstract: "List what devices said that was not understood.")
        @Option(help: "Only those of this home.") var home: String?
        @OptionGroup var globals: Globals
        var command: Command { .deviceProblems(home: home) }
    }
}
