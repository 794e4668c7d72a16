//! sys.spatial_reference_systems: the reference systems of geography values.
//!
//! Invariants
//! 1. Those are listed on whose ellipsoids distances and areas are measured here (`holdfast_types::spatial::measure::ellipsoid`); SQL Server lists more.
//!
//! Evidence: columns as documented; names, datums and ellipsoids as the EPSG registry has them.

use holdfast_types::{SqlResult, Value};

use super::{SystemView, ViewContext, row};

pub const VIEWS: &[SystemView] = &[SystemView {
    name: "sys.spatial_reference_systems",
    columns: "spatial_reference_id int, authority_name nvarchar(128), authorized_spatial_reference_id int, well_known_text nvarchar(4000), unit_of_measure nvarchar(128), unit_conversion_factor float",
    rows: systems,
}];

/// Number, name, datum, ellipsoid with its inverse flattening.
const SYSTEMS: &[(i32, &str, &str, &str, &str)] = &[
    (4167, "NZGD2000", "New Zealand Geodetic Datum 2000", "GRS 1980", "298.257222101"),
    (4258, "ETRS89", "European Terrestrial Reference System 1989", "GRS 1980", "298.257222101"),
    (4269, "NAD83", "North American Datum 1983", "GRS 1980", "298.257222101"),
    (4283, "GDA94", "Geocentric Datum of Australia 1994", "GRS 1980", "298.257222101"),
    (4326, "WGS 84", "World Geodetic System 1984", "WGS 84", "298.257223563"),
];

fn systems(_: &ViewContext<'_>) -> SqlResult<Vec<Vec<Value>>> {
    let row = |(id, name, datum, ellipsoid, flattening): &(i32, &str, &str, &str, &str)| {
        let text = format!(
            "GEOGCS[\"{name}\", DATUM[\"{datum}\", ELLIPSOID[\"{ellipsoid}\", 6378137, {flattening}]], \
             PRIMEM[\"Greenwich\", 0], UNIT[\"Degree\", 0.0174532925199433]]"
        );
        row![*id, "EPSG", *id, text, "metre", Value::Float(1.0)]
    };
    Ok(SYSTEMS.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_measured_in_each() {
        for s in SYSTEMS {
            assert!(holdfast_types::spatial::measure::ellipsoid(s.0).is_some(), "{}", s.1);
        }
    }
}
