/// The short names that devices with little memory use in announcements
/// (https://www.home-assistant.io/integrations/mqtt/#discovery-messages, "Supported abbreviations").
///
/// Of the whole list those that are read here. Settings and commands are known only as topics, which must not lead out of
/// the home: every short name of a topic ends in `_t`, every long one in `_topic`.
enum DiscoveryAbbreviations {
    static let entity: [String: String] = [
        "atype": "automation_type", "avty": "availability", "avty_mode": "availability_mode", "avty_t": "availability_topic",
        "avty_tpl": "availability_template", "bat_lev_t": "battery_level_topic", "bat_lev_tpl": "battery_level_template",
        "cmps": "components", "cmd_t": "command_topic", "curr_hum_t": "current_humidity_topic", "curr_hum_tpl": "current_humidity_template",
        "curr_temp_t": "current_temperature_topic", "curr_temp_tpl": "current_temperature_template", "def_ent_id": "default_entity_id",
        "dev": "device", "dev_cla": "device_class", "e": "encoding", "en": "enabled_by_default", "ent_cat": "entity_category",
        "evt_typ": "event_types", "exp_aft": "expire_after", "frc_upd": "force_update", "json_attr": "json_attributes",
        "json_attr_t": "json_attributes_topic", "json_attr_tpl": "json_attributes_template", "lrst_t": "last_reset_topic",
        "lrst_val_tpl": "last_reset_value_template", "max_temp": "max_temp", "migr_discvry": "migrate_discovery", "min_temp": "min_temp",
        "mode_stat_t": "mode_state_topic", "mode_stat_tpl": "mode_state_template", "o": "origin", "obj_id": "object_id",
        "off_dly": "off_delay", "ops": "options", "opt": "optimistic", "p": "platform", "pl": "payload",
        "pl_avail": "payload_available", "pl_home": "payload_home", "pl_not_avail": "payload_not_available",
        "pl_not_home": "payload_not_home", "pl_off": "payload_off", "pl_on": "payload_on", "pl_rst": "payload_reset",
        "pos_t": "position_topic", "pos_tpl": "position_template", "ret": "retain", "src_type": "source_type", "stat_cla": "state_class",
        "stat_closing": "state_closing", "stat_clsd": "state_closed", "stat_jam": "state_jammed", "stat_locked": "state_locked",
        "stat_locking": "state_locking", "stat_off": "state_off", "stat_on": "state_on", "stat_open": "state_open",
        "stat_opening": "state_opening", "stat_stopped": "state_stopped", "stat_unlocked": "state_unlocked",
        "stat_unlocking": "state_unlocking", "stat_t": "state_topic", "stat_tpl": "state_template", "stat_val_tpl": "state_value_template",
        "stype": "subtype", "sug_dsp_prc": "suggested_display_precision", "t": "topic", "temp_unit": "temperature_unit",
        "uniq_id": "unique_id", "unit_of_meas": "unit_of_measurement", "val_tpl": "value_template",
    ]

    static let device: [String: String] = [
        "cns": "connections", "cu": "configuration_url", "hw": "hw_version", "ids": "identifiers", "mdl": "model", "mdl_id": "model_id",
        "mf": "manufacturer", "sa": "suggested_area", "sn": "serial_number", "sw": "sw_version",
    ]

    /// Long names, by which reasons may name a field: what a payload calls its fields is not repeated.
    static let known = Set(entity.values).union(device.values)

    static func isTopic(_ name: String) -> Bool { name == "topic" || name.hasSuffix("_topic") || name.hasSuffix("_t") }
}
