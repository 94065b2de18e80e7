import ArgumentParser
import Care

extension ConsentCommand {
    struct Preview: Saying {
        static let configuration = CommandConfiguration(
            abstract: "Try before you decide: who would have learned what in the last 30 days. It changes nothing.",
            discussion: """
                Say what you would grant, with the options of consent grant, or what you would refuse or withdraw; \
                without options it shows what today's records mean.
                Examples: caring consent preview --to helper:maria --about safety --purpose emergency-response
                          caring consent preview --refuse --to service:clinic --about heart_rate
                          caring consent preview --emergency --circle oak-street
                          caring consent preview --without c5 --since 60d
                """)
        @OptionGroup var draft: DraftOptions
        @Flag(help: "As if you refused it, instead of permitting it.") var refuse = false
        @Flag(help: "As if you decided for emergencies that your circle may be told although nothing else permits it.") var emergency = false
        @Option(parsing: .upToNextOption, help: "With --emergency: which circles' helpers; none named: that of your home.") var circle: [String] = []
        @Option(help: ArgumentHelp("As if this record were withdrawn, e.g. c5; may be repeated.", valueName: "record")) var without: [String] = []
        @Option(help: "Looking at the time since this instant or day, or this far back, up to 92d.") var since: String?
        @OptionGroup var globals: Globals

        func validate() throws {
            if emergency, refuse || !draft.isBare { throw ValidationError("Try --emergency by itself, or with --without.") }
            if !emergency, !circle.isEmpty { throw ValidationError("--circle belongs to --emergency; whom else you permit something is said with --to circle:oak-street.") }
            if !draft.isBare { return try draft.requireWhoAndWhat() }
            if refuse { throw ValidationError("Say what you would refuse: --refuse --to service:clinic --about heart_rate, for example.") }
        }
        var command: Command {
            .consentPreview(
                ConsentChange(
                    draft: draft.isBare ? nil : draft.draft, isRefusal: refuse, emergency: emergency ? circle : nil, without: without, since: since,
                    citizen: draft.citizen))
        }
    }
}
