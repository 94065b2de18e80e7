import ArgumentParser
import Care

struct HomeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "home", abstract: "Add, list and remove homes.",
        subcommands: [Add.self, List.self, Remove.self])

    struct Add: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Add a home, or change what is known of one.",
            discussion: "Example: caring home add elm-3 --circle oak-street --zone Europe/London --at 51.7520,-1.2577")
        @Argument(help: "What it is called in topics and commands.") var name: String
        @Option(help: "The circle of helpers around it.") var circle: String?
        @Option(help: "Its time zone, e.g. Europe/London.") var zone: String?
        @Option(help: "Where a helper should go.") var address: String?
        @Option(
            parsing: .unconditional, help: ArgumentHelp("Where it is, in degrees.", valueName: "lat,lon"),
            transform: Position.init(parsing:)) var at: Position?
        @OptionGroup var globals: Globals
        var command: Command {
            .homeAdd(
                home: name, circle: circle, zone: zone, address: address, latitude: at?.latitude,
                longitude: at?.longitude)
        }
    }

    struct List: Saying {
        static let configuration = CommandConfiguration(abstract: "List the homes.")
        @OptionGroup var globals: Globals
        var command: Command { .homeList }
    }

    struct Remove: Saying {
        static let configuration = CommandConfiguration(abstract: "Remove a home in which nobody lives any more.")
        @Argument(help: "The home.") var name: String
        @OptionGroup var globals: Globals
        var command: Command { .homeRemove(home: name) }
    }
}

struct CircleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "circle", abstract: "Add and list circles of helpers.", subcommands: [Add.self, List.self])

    struct Add: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Add a circle of helpers.",
            discussion: "Example: caring circle add oak-street --title \"Oak Street\"")
        @Argument(help: "What it is called in commands.") var name: String
        @Option(help: "What people read.") var title: String
        @OptionGroup var globals: Globals
        var command: Command { .circleAdd(circle: name, title: title) }
    }

    struct List: Saying {
        static let configuration = CommandConfiguration(abstract: "List the circles.")
        @OptionGroup var globals: Globals
        var command: Command { .circleList }
    }
}

struct CoordinatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coordinator", abstract: "Add and remove those who run the scheme.",
        subcommands: [Add.self, Remove.self])

    struct Add: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Add a coordinator.",
            discussion: "Example: caring coordinator add carol --name \"Carol White\" --uid 1002")
        @Argument(help: "What they are called in commands.") var name: String
        @Option(name: .customLong("name"), help: "What people read.") var fullName: String
        @Option(help: "The user of this machine who may speak for them.") var uid: UInt32?
        @Option(help: "An http(s) address to which their notices are posted.") var ntfy: String?
        @OptionGroup var globals: Globals
        var command: Command { .coordinatorAdd(coordinator: name, name: fullName, uid: uid, ntfy: ntfy) }
    }

    struct Remove: Saying {
        static let configuration = CommandConfiguration(abstract: "Remove a coordinator.")
        @Argument(help: "The coordinator.") var name: String
        @OptionGroup var globals: Globals
        var command: Command { .coordinatorRemove(coordinator: name) }
    }
}

struct ServiceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "service", abstract: "Add and remove organisations that citizens may share data with.",
        subcommands: [Add.self, Remove.self, ServiceToken.self, ServiceLogin.self, ServiceSummary.self, ServiceFigures.self])

    struct Add: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Add a service; it learns nothing until a citizen permits it.",
            discussion: "Example: caring service add clinic --name \"Elm Clinic\" --uid 1010")
        @Argument(help: "What it is called in commands.") var name: String
        @Option(name: .customLong("name"), help: "What people read.") var fullName: String
        @Option(help: "The user of this machine who may speak for it.") var uid: UInt32?
        @OptionGroup var globals: Globals
        var command: Command { .serviceAdd(service: name, name: fullName, uid: uid) }
    }

    struct Remove: Saying {
        static let configuration = CommandConfiguration(abstract: "Remove a service.")
        @Argument(help: "The service.") var name: String
        @OptionGroup var globals: Globals
        var command: Command { .serviceRemove(service: name) }
    }
}
