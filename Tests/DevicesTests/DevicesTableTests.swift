import Foundation
import Testing

@testable import Devices

@Suite struct DevicesTableTests {
    @Test func docsDevicesIsCurrent() throws {
        let file = try String(contentsOfFile: packageRoot + "/docs/devices.md", encoding: .utf8)
        let made = try shipped().table
        #expect(file.hasPrefix(made), "docs/devices.md is not current: run scripts/devices-doc.")
        let rest = try String(contentsOfFile: packageRoot + "/docs/devices-messages.md", encoding: .utf8)
        #expect(file.dropFirst(made.count) == rest[...])
    }

    @Test func everyConventionIsInIt() throws {
        let table = try shipped().table
        for name in Catalogue.conventionNames { #expect(table.contains("\n## \(name)\n"), "\(name) gives nothing in any sample.") }
    }
}
