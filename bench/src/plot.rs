//! The figures as pictures: the cost of a restore by the number of written pages, and the cost of machines by the
//! number of live ones.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::live::Point;
use crate::snapshots::RestorePoint;

const SIZE: (u32, u32) = (760, 420);
const OURS: RGBColor = RGBColor(0x1f, 0x5f, 0xbf);
const FLOOR: RGBColor = RGBColor(0x88, 0x88, 0x88);

/// Writes the pictures into the folder.
pub fn write(folder: &Path, restores: &[RestorePoint], live: &[Point]) -> Result<(), Box<dyn Error>> {
    let pages = |of: fn(&RestorePoint) -> f64| {
        restores.iter().map(|point| (f64::from(point.pages), of(point) / 1e3)).collect()
    };
    draw(
        &folder.join("restore.svg"),
        &Axes { caption: "Restore and next call", x: "pages written by a call", y: "µs" },
        &[
            Line { name: "restore + call", color: OURS, points: pages(|point| point.ours.quantile(0.5)) },
            Line { name: "one raw exit", color: FLOOR, points: pages(|point| point.floor.quantile(0.5)) },
        ],
    )?;
    let counts =
        |of: &dyn Fn(&Point) -> f64| live.iter().map(|point| (point.count as f64, of(point))).collect();
    draw(
        &folder.join("live-time.svg"),
        &Axes { caption: "Create one more and call it", x: "live in the process", y: "µs" },
        &[
            Line {
                name: "clone of a snapshot",
                color: OURS,
                points: counts(&|point| point.ours.create.quantile(0.5) / 1e3),
            },
            Line {
                name: "raw machine",
                color: FLOOR,
                points: counts(&|point| point.floor.create.quantile(0.5) / 1e3),
            },
        ],
    )?;
    draw(
        &folder.join("live-memory.svg"),
        &Axes { caption: "Memory of each, the kernel's part included", x: "live in the process", y: "KiB" },
        &[
            Line {
                name: "clone of a snapshot",
                color: OURS,
                points: counts(&|point| point.ours.bytes() / 1024.0),
            },
            Line { name: "raw machine", color: FLOOR, points: counts(&|point| point.floor.bytes() / 1024.0) },
        ],
    )
}

struct Axes {
    caption: &'static str,
    x: &'static str,
    y: &'static str,
}

struct Line {
    name: &'static str,
    color: RGBColor,
    points: Vec<(f64, f64)>,
}

/// One picture: logarithmic to the right, linear upwards from zero.
fn draw(path: &Path, axes: &Axes, lines: &[Line]) -> Result<(), Box<dyn Error>> {
    let all = || lines.iter().flat_map(|line| &line.points);
    let first = all().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let last = all().map(|point| point.0).fold(0.0, f64::max);
    let top = all().map(|point| point.1).fold(0.0, f64::max) * 1.1;

    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(axes.caption, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(42)
        .y_label_area_size(64)
        .build_cartesian_2d((first..last).log_scale(), 0.0..top)?;
    chart
        .configure_mesh()
        .x_desc(axes.x)
        .y_desc(axes.y)
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.1))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    for line in lines {
        let color = line.color;
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), color.stroke_width(2)).point_size(3))?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    area.present()?;
    Ok(())
}
