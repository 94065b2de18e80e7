import ArgumentParser
import Care

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Let nothing be recorded for a while; a pause is no silence, so nobody comes because of it.",
        discussion: """
            Examples:
              caring pause --for 2h
              caring pause --until 18:00 --category security family
              caring pause --for 3d --except-safety
              caring pause end

            Your call button still works, unless you name it and add --even-sos.
            """,
        subcommands: [Begin.self, List.self, End.self], defaultSubcommand: Begin.self)

    struct Begin: Saying {
        static let configuration = CommandConfiguration(commandName: "begin", abstract: "Begin a pause.")
        @Option(name: .customLong("for"), help: ArgumentHelp("How long: whole minutes, hours or days, to 30d.", valueName: "length")) var length: String?
        @Option(help: ArgumentHelp("Until this time of day (18:00), this day or this instant.", valueName: "time")) var until: String?
        @Option(
            name: .customLong("category"), parsing: .upToNextOption,
            help: ArgumentHelp("Only this: \(Category.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "category"))
        var categories: [String] = []
        @Option(name: .customLong("device"), parsing: .upToNextOption, help: ArgumentHelp("Only this device, as device list shows it.", valueName: "device"))
        var devices: [String] = []
        @Flag(help: "Alarms for smoke, gas, water and falls are taken all the same.") var exceptSafety = false
        @Flag(name: .customLong("even-sos"), help: "Not even a call button works; only with --device.") var evenSOS = false
        @OptionGroup var globals: Globals
        var command: Command {
            .pause(PauseDraft(length: length, until: until, categories: categories, devices: devices, exceptSafety: exceptSafety, evenSOS: evenSOS))
        }
    }

    struct List: Saying {
        static let configuration = CommandConfiguration(abstract: "List what is paused, and until when.")
        @OptionGroup var globals: Globals
        var command: Command { .pauseList(citizen: nil) }
    }

    struct End: Saying {
        static let configuration = CommandConfiguration(abstract: "End a pause now.", discussion: "Example: caring pause end p1")
        @Argument(help: "The pause as pause list shows it, e.g. p1; none named: the only one.") var id: String?
        @OptionGroup var globals: Globals
        var command: Command { .pauseEnd(id: id) }
    }
}
