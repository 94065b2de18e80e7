import ArgumentParser
import Care

struct FiguresCommand: Saying {
    static let configuration = CommandConfiguration(
        commandName: "figures", abstract: "See the figures over many citizens that a service is given, for planning or research; never about one.",
        discussion: "Example: caring figures --quantity heart_rate --circles")
    @Option(help: "Only this quantity, e.g. heart_rate.") var quantity: String?
    @Flag(help: "Each circle by itself as well, where there are enough citizens.") var circles = false
    @Option(help: "From this day on; nothing said: the last 30.") var since: String?
    @OptionGroup var globals: Globals
    var command: Command { .service(.figures(FiguresQuery(quantity: quantity, byCircle: circles, since: since))) }
}

struct ServiceFigures: Saying {
    static let configuration = CommandConfiguration(
        commandName: "figures", abstract: "Say for which purpose a service is given figures over many citizens.",
        discussion: "Example: caring service figures council --for research\n\nNothing said: service-planning. Of one day it is given figures for one of them.")
    @Argument(help: "The service.") var name: String
    @Option(name: .customLong("for"), help: "service-planning or research.") var purpose: String
    @OptionGroup var globals: Globals
    var command: Command { .service(.counting(service: name, purpose: purpose)) }
}
