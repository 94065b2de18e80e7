import Care

extension Exporter {
    /// For somebody who has never seen such a file.
    func readme() -> String {
        let when = zone.local(order.at)?.inWords ?? order.at.iso
        let shared = devices.filter(\.exported.shared).map { "    - \(safeText($0.exported.title ?? $0.exported.address))" }
        let sharedText =
            shared.isEmpty
            ? ""
            : """

                SHARED DEVICES
                  These belonged to several people at the same time, so what they say is also about the others.
                  Think of that before you pass it on.
                \(shared.joined(separator: "\n"))

                """
        return """
            YOUR DATA

            This is what the Caring gateway knew about \(safeText(person.name)) on \(when).
            It belongs to you. Nobody needs to be asked before you look into it, keep it or give it away.
            It is not locked: whoever has this file can read it. Keep it like a letter from your doctor.

            HOW TO OPEN IT
              Unpack the file first: on most computers a double click does it.
              Files that end in .csv open in a spreadsheet, for example LibreOffice Calc.
              Files that end in .txt, .json or .jsonl open in any text editor.

            WHAT IS IN IT
              readings.csv            everything that your devices measured, one line for each time they did
              readings.jsonl          the same, for computer programs
              daily-figures.csv       what stays of old readings: figures of each day, one line for each day
              daily-figures.jsonl     the same, for computer programs
              retention.jsonl         what you decided of how long your readings are kept
              who-saw.csv             who was told what about you, and when
              who-saw.jsonl           the same, for computer programs
              devices.json            your devices, when they were yours, and what they measure
              consents.jsonl          what you permitted and refused, each with a sentence after "say"
              consent-receipts.jsonld a receipt for each of these, in a form that other services understand
              decisions.jsonl         why somebody was told something or not
              alerts.jsonl            when help was called, and what happened then
              delegates.jsonl         who may act for you, by which right, and what they did
              fhir-observations.json  what is about your health, in the form that doctors' programs use (FHIR R4)
              audit.jsonl             proof that nothing of all this was changed: caring audit verify --file audit.jsonl
              manifest.json           when this was made, and how much is in it
              SHA256SUMS              to find out whether a file was damaged

            HOW TO READ readings.csv
              at_utc       when it was observed, by the clocks of Greenwich
              at_home      the same by the clocks at home
              device       what measured it; devices.json says more about it
              quantity     what was measured, for example heart_rate
              channel      which of several, where one device has more than one
              value, unit  the number and what it counts; yes, no or happened where it is no number
              loinc        what doctors' programs call it
              time_source  whose clock it was: "device" the device's own, "arrival" the gateway's,
                           "queued" the gateway's, but it had to wait; then it happened after earliest_utc
              place        0, or which it was of several in the same thousandth of a second

            HOW TO READ daily-figures.csv (where you chose that old readings become daily figures)
              from_utc     where the day begins at home, by the clocks of Greenwich; later where the
                           device was yours only from then on
              day          the day, by the clocks at home
              count        how many readings there were on it
              mean, least, most, first, last, sum
                           of these readings; 1 stands for yes and 0 for no
              times        how often it happened, or turned from no to yes
              seconds_true how long it was yes
              first_utc, last_utc
                           when the first and the last of these readings were observed
              up_to_utc    up to when the day's readings are in it; later ones are in readings.csv
            \(sharedText)
            WHAT IS NOT IN IT
              Messages that the gateway did not understand, what it does to find its way (its plans and its
              own log), copies that others already have (who-saw.csv says who), and everything about other
              people that you could not see in the gateway either.
              Where a device's data were made fewer or erased because they were old, only the rest is here.

            TO TAKE IT TO ANOTHER GATEWAY
              caring data import FILE.zip --citizen YOU
              What you permitted here is not permitted there. You decide that anew.

            In danger call your local emergency number. Caring is not an emergency service.

            """
    }
}
