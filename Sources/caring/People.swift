import ArgumentParser
import Care

struct CitizenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "citizen", abstract: "Add, list and remove the people whom the data is about.",
        subcommands: [Add.self, List.self, Remove.self, Erase.self])

    struct Add: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Add a citizen to a home.",
            discussion: "Example: caring citizen add ada --home elm-3 --name \"Ada Brown\" --uid 1001")
        @Argument(help: "What they are called in commands.") var name: String
        @Option(help: "The home in which they live.") var home: String
        @Option(name: .customLong("name"), help: "What people read, where the citizen permits it.")
        var fullName: String
        @Option(help: "The user of this machine who may speak for them.") var uid: UInt32?
        @OptionGroup var globals: Globals
        var command: Command { .citizenAdd(citizen: name, home: home, name: fullName, uid: uid) }
    }

    struct List: Saying {
        static let configuration = CommandConfiguration(abstract: "List the citizens.")
        @OptionGroup var globals: Globals
        var command: Command { .citizenList }
    }

    struct Remove: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Remove a citizen.",
            discussion: """
                Example: caring citizen remove ada --erase

                Without --erase what was recorded about them stays for as long as the scheme keeps it. What is erased cannot be brought back.
                """)
        @Argument(help: "The citizen.") var name: String
        @Flag(help: "And erase everything about them.") var erase = false
        @OptionGroup var globals: Globals
        var command: Command { .citizenRemove(citizen: name, erase: erase ? true : nil) }
    }

    struct Erase: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Erase everything about a citizen who was removed, or say how far that is.",
            discussion: "Example: caring citizen erase ada. What is erased cannot be brought back.")
        @Argument(help: "The citizen who was removed.") var name: String
        @OptionGroup var globals: Globals
        var command: Command { .citizenErase(citizen: name) }
    }
}

struct HelperCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "helper", abstract: "Add, list and remove helpers, and say who is on duty.",
        subcommands: [Add.self, List.self, Remove.self, On.self, Off.self])

    struct Add: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Add a helper, or change what is known of one.",
            discussion: """
                Example: caring helper add maria --name "Maria Stone" --circle oak-street \
                --hours "mon-fri 08:00-18:00" --ntfy https://ntfy.example/maria
                """)
        @Argument(help: "What they are called in commands.") var name: String
        @Option(name: .customLong("name"), help: "What people read.") var fullName: String
        @Option(
            parsing: .upToNextOption, help: ArgumentHelp("The circles to which they belong.", valueName: "circle"))
        var circle: [String]
        @Option(
            parsing: .unconditional, help: ArgumentHelp("Roughly where they are, in degrees.", valueName: "lat,lon"),
            transform: Position.init(parsing:)) var at: Position?
        @Option(
            help: ArgumentHelp(
                "When they may be asked, e.g. \"mon-fri 08:00-18:00\"; may be repeated.", valueName: "hours"))
        var hours: [String] = []
        @Option(help: "An http(s) address to which their notices are posted.") var ntfy: String?
        @Option(help: "The user of this machine who may speak for them.") var uid: UInt32?
        @OptionGroup var globals: Globals
        var command: Command {
            .helperAdd(
                helper: name, name: fullName, circles: circle, uid: uid, latitude: at?.latitude,
                longitude: at?.longitude, hours: hours, ntfy: ntfy)
        }
    }

    struct List: Saying {
        static let configuration = CommandConfiguration(abstract: "List the helpers.")
        @OptionGroup var globals: Globals
        var command: Command { .helperList }
    }

    struct Remove: Saying {
        static let configuration = CommandConfiguration(abstract: "Remove a helper.")
        @Argument(help: "The helper.") var name: String
        @OptionGroup var globals: Globals
        var command: Command { .helperRemove(helper: name) }
    }

    struct On: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Say that a helper may be asked.", discussion: "Example: caring helper on")
        @Argument(help: "The helper; nobody named: you.") var name: String?
        @OptionGroup var globals: Globals
        var command: Command { .helperDuty(helper: name, on: true) }
    }

    struct Off: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Say that a helper may not be asked for now.", discussion: "Example: caring helper off maria")
        @Argument(help: "The helper; nobody named: you.") var name: String?
        @OptionGroup var globals: Globals
        var command: Command { .helperDuty(helper: name, on: false) }
    }
}
