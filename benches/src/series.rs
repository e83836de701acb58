//! Samples and their quantiles.

/// The samples of one side, in bursts: one burst of each side makes a round.
#[derive(Clone, Debug)]
pub struct Series {
    /// `group/side`.
    pub name: String,
    /// Microseconds unless the name says otherwise.
    pub bursts: Vec<Vec<f64>>,
}

/// A quotient of two series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The quotient of the quantiles of all samples.
    pub value: f64,
    /// Half the distance of the quartiles of the rounds' own quotients, as a part of [`Ratio::value`].
    pub spread: f64,
}

/// The value below which this part of the values lies, by the nearest rank.
///
/// # Panics
///
/// Without values: a series has a round at least.
pub fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// Half the distance of the quartiles, as a part of the median.
pub fn spread(values: &[f64]) -> f64 {
    (quantile(values, 0.75) - quantile(values, 0.25)) / 2.0 / quantile(values, 0.5)
}

/// The mean of factors.
pub fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}

impl Series {
    /// All samples.
    pub fn all(&self) -> Vec<f64> {
        self.bursts.concat()
    }

    /// The median.
    pub fn p50(&self) -> f64 {
        quantile(&self.all(), 0.5)
    }

    /// What one sample in a hundred exceeds.
    pub fn p99(&self) -> f64 {
        quantile(&self.all(), 0.99)
    }

    /// See [`spread`].
    pub fn spread(&self) -> f64 {
        spread(&self.all())
    }

    /// The same quantile of both, ours over theirs.
    pub fn over(&self, theirs: &Series, part: f64) -> Ratio {
        let quotient = |ours: &[f64], theirs: &[f64]| quantile(ours, part) / quantile(theirs, part);
        let rounds: Vec<f64> =
            self.bursts.iter().zip(&theirs.bursts).map(|(ours, theirs)| quotient(ours, theirs)).collect();
        Ratio { value: quotient(&self.all(), &theirs.all()), spread: spread(&rounds) }
    }
}
