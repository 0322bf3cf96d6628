//! Python's objects, made from a guest's values.

use libhyperlight_values::error::Spelling;
use libhyperlight_values::host::Build;
use libhyperlight_values::types::{Float, Integer};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyList, PySet, PyString, PyTuple};

use super::{Failure, Python3, spelling};

type Built<'py> = Result<Bound<'py, PyAny>, Failure>;

impl<'py> Build for Python3<'py> {
    type Value = Bound<'py, PyAny>;
    type Key = Bound<'py, PyString>;
    type Error = Failure;

    fn null(&mut self) -> Built<'py> {
        Ok(self.py.None().into_bound(self.py))
    }

    fn bool(&mut self, value: bool) -> Built<'py> {
        Ok(value.into_bound_py_any(self.py)?)
    }

    fn integer(&mut self, _: Integer, value: i128) -> Built<'py> {
        match i64::try_from(value) {
            Ok(value) => self.whole(value),
            Err(_) => Ok(value.into_bound_py_any(self.py)?),
        }
    }

    fn float(&mut self, _: Float, value: f64) -> Built<'py> {
        self.number(value)
    }

    fn number(&mut self, value: f64) -> Built<'py> {
        Ok(PyFloat::new(self.py, value).into_any())
    }

    fn whole(&mut self, value: i64) -> Built<'py> {
        Ok(value.into_bound_py_any(self.py)?)
    }

    fn bigint(&mut self, digits: &str) -> Built<'py> {
        match digits.parse() {
            Ok(value) => self.whole(value),
            Err(_) => {
                Ok(self.py.import("libhyperlight._integers")?.getattr("from_decimal")?.call1((digits,))?)
            }
        }
    }

    fn char(&mut self, value: char) -> Built<'py> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn text(&mut self, text: &str) -> Built<'py> {
        Ok(PyString::new(self.py, text).into_any())
    }

    fn utf16(&mut self, text: &[u16]) -> Built<'py> {
        Ok(self.utf16_key(text)?.into_any())
    }

    fn bytes(&mut self, bytes: Vec<u8>) -> Built<'py> {
        Ok(PyBytes::new(self.py, &bytes).into_any())
    }

    fn list(&mut self, items: Vec<Bound<'py, PyAny>>) -> Built<'py> {
        Ok(PyList::new(self.py, items)?.into_any())
    }

    fn tuple(&mut self, items: Vec<Bound<'py, PyAny>>) -> Built<'py> {
        Ok(PyTuple::new(self.py, items)?.into_any())
    }

    fn map(&mut self, pairs: Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>) -> Built<'py> {
        self.dict(pairs)
    }

    fn key(&mut self, name: &str) -> Result<Bound<'py, PyString>, Failure> {
        Ok(PyString::new(self.py, name))
    }

    fn utf16_key(&mut self, name: &[u16]) -> Result<Bound<'py, PyString>, Failure> {
        let bytes: Vec<_> = name.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let bytes = PyBytes::new(self.py, &bytes);
        let text = bytes.call_method1("decode", ("utf-16-le", "surrogatepass"))?;
        Ok(text.cast_into().map_err(PyErr::from)?)
    }

    fn object(&mut self, members: Vec<(Bound<'py, PyString>, Bound<'py, PyAny>)>) -> Built<'py> {
        self.dict(members)
    }

    fn name(&mut self, name: &str) -> Built<'py> {
        self.text(name)
    }

    fn case(&mut self, name: &str, value: Option<Bound<'py, PyAny>>) -> Built<'py> {
        match value {
            Some(value) => self.dict([(name, value)]),
            None => self.text(name),
        }
    }

    fn result(&mut self, is_ok: bool, value: Option<Bound<'py, PyAny>>) -> Built<'py> {
        self.dict([(if is_ok { "ok" } else { "err" }, value)])
    }

    fn flags(&mut self, names: Vec<&str>) -> Built<'py> {
        Ok(PySet::new(self.py, names)?.into_any())
    }

    fn none(&mut self) -> Built<'py> {
        self.null()
    }

    fn some(&mut self, value: Bound<'py, PyAny>, is_around_option: bool) -> Built<'py> {
        if is_around_option { self.dict([("some", value)]) } else { Ok(value) }
    }

    fn refuse_key(&mut self, key: &Bound<'py, PyAny>) -> Option<String> {
        // Its own refusal, or that of a member of a tuple.
        key.hash()
            .is_err()
            .then(|| key.get_type().name().map_or_else(|_| String::new(), |name| name.to_string()))
    }

    fn spelling(&self) -> &dyn Spelling {
        &spelling::Python
    }
}

impl<'py> Python3<'py> {
    fn dict<K: IntoPyObject<'py>, V: IntoPyObject<'py>>(
        &self,
        members: impl IntoIterator<Item = (K, V)>,
    ) -> Built<'py> {
        let dict = PyDict::new(self.py);
        for (key, value) in members {
            dict.set_item(key, value)?;
        }
        Ok(dict.into_any())
    }
}
