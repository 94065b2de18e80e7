import ArgumentParser

/// The command line. Everything but `replay` and `simulate` is one sentence to the gateway and its answer.
@main
struct Caring: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caring",
        abstract: "Speak with the Caring gateway of this machine.",
        discussion: """
            You are known to the gateway by your user of this machine. The gateway is looked for at \
            caring.sock in the data folder (--data, or CARING_DATA), or where --gateway (or CARING_GATEWAY) says.

            Exit status: 0 when it was done, 1 when it was refused or failed, 64 when the command is not understood.

            Caring is not an emergency service. In danger call your local emergency number.
            """,
        subcommands: [
            HomeCommand.self, CircleCommand.self, CitizenCommand.self, HelperCommand.self,
            CoordinatorCommand.self, ServiceCommand.self,
            DeviceCommand.self, ConsentCommand.self, PauseCommand.self, AlertCommand.self, DataCommand.self,
            ReadingCommand.self, WhoSawCommand.self, AuditCommand.self, WhyCommand.self, CoverageCommand.self, InsightsCommand.self, FiguresCommand.self, StatusCommand.self, MetricsCommand.self,
            ReplayCommand.self, SimulateCommand.self, DelegateCommands.self,
        ])
}
